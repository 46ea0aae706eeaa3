import SlipwayClient
import Timing

/// Looks at a zone until all its clusters are done with what is wanted of it, and prints each step.
struct ZoneFollower {
    var client: OperatorClient
    var console: Console
    var begun: Duration
    var limit: Duration
    var time = TimeSource.system

    /// - Throws: `CommandError` when it takes too long, or when somebody wants something else of the zone meanwhile.
    func follow(_ first: ZoneDetail) async throws -> ZoneDetail {
        var told: [String: [String]] = [:]
        var isLost = false
        while true {
            do {
                let zone = try await client.zone(first.name)
                isLost = false
                guard zone.serviceState == first.serviceState else {
                    throw CommandError(.failed, "Somebody changed zone \(zone.name) meanwhile: \(zone.reason).")
                }
                guard let clusters = zone.clusters else { return zone }
                tell(clusters.pending, &told)
                if clusters.areDone { return zone }
                let rest = clusters.count - clusters.doneCount
                console.status(
                    console.paint("  \(clock)  \(clusters.doneCount) of \(clusters.count) clusters done, \(rest) to go", .dim))
            } catch let error as OperatorClientError where error.isUnavailable {
                if !isLost { console.note("  the region's service does not answer; trying again") }
                isLost = true
            }
            guard time.uptime - begun < limit else { throw late(first, told) }
            try await time.sleep(for: .milliseconds(200))
        }
    }

    private func tell(_ pending: [ZoneClusters.Pending], _ told: inout [String: [String]]) {
        for name in told.keys.sorted() where !pending.contains(where: { $0.name == name }) {
            told[name] = nil
            say("done", .green, name)
        }
        for cluster in pending {
            for wait in cluster.waits where told[cluster.name]?.contains(wait) != true {
                say("waiting", .yellow, "\(cluster.name): \(wait)")
            }
            told[cluster.name] = cluster.waits
        }
    }

    private func say(_ word: String, _ colour: Console.Colour, _ text: String) {
        console.status("")
        let padding = String(repeating: " ", count: max(0, 8 - word.count))
        console.note("\(console.paint(clock, .dim))  \(console.paint(word, colour))\(padding) \(text)")
    }

    private var clock: String { Durations.text((time.uptime - begun).seconds).leftPadded(to: 8) }

    private func late(_ zone: ZoneDetail, _ told: [String: [String]]) -> CommandError {
        console.status("")
        let waits = told.sorted { $0.key < $1.key }.prefix(3).map { "\($0.key): \($0.value.joined(separator: ", "))" }
        return CommandError(
            .failed, "Gave up after \(Durations.text(limit.seconds)), still waiting: \(waits.joined(separator: "; ")).",
            advice: "The region goes on with it; `slipway zone list` and `slipway cluster describe NAME` show how far it is.")
    }
}
