import FleetModel
import Foundation
import SlipwayClient
import Synchronization
import Timing
import UnixSignals

/// Follows one cluster's watch and prints each step as it ends, until `isDone` says so.
struct ClusterFollower {
    var client: OperatorClient
    var console: Console
    var time = TimeSource.system

    enum Outcome {
        case reached(ClusterDetail)
        case gone
        /// By Ctrl-C or SIGTERM; with the last state that was seen.
        case interrupted(ClusterDetail?)
    }

    /// - Parameters:
    ///   - limit: after that the command gives up; the region goes on.
    ///   - hint: what commands that are shown need in order to mean this region.
    ///   - isDone: looks at each new state.
    func follow(
        _ name: String, begun: Date, limit: Duration, hint: String, isDone: @escaping @Sendable (ClusterDetail) -> Bool
    ) async throws -> Outcome {
        let progress = SharedProgress(begun: begun)
        let start = time.uptime
        let outcome = try await withThrowingTaskGroup(of: Outcome?.self) { group in
            group.addTask { try await read(name, progress, start: start, isDone: isDone) }
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                    return .interrupted(progress.value.withLock { $0.last })
                }
                throw CancellationError()
            }
            group.addTask {
                while time.uptime < start + limit {
                    try await time.sleep(for: .milliseconds(200))
                    let status = progress.value.withLock { $0.status(now: time.now) }
                    console.status(console.paint("  \(Durations.text((time.uptime - start).seconds))  \(status)".prefixFitting(160), .dim))
                }
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        console.status("")
        guard let outcome else {
            let waits = progress.value.withLock { progress in
                progress.failures.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" } + progress.waits
            }
            throw CommandError(
                .failed,
                "Gave up after \(Durations.text(limit.seconds))\(waits.isEmpty ? "" : ", still waiting: " + waits.joined(separator: ", ")).",
                advice: "The region goes on with it; `slipway cluster watch \(name)\(hint)` shows how far it is.")
        }
        return outcome
    }

    /// The stream ends when the service stops or restarts: then it is opened again.
    private func read(
        _ name: String, _ progress: SharedProgress, start: Duration, isDone: @Sendable (ClusterDetail) -> Bool
    ) async throws -> Outcome {
        var isLost = false
        while true {
            do {
                var outcome: Outcome?
                try await client.watchCluster(name) { line in
                    isLost = false
                    if line.isGone { outcome = .gone }
                    if let cluster = line.cluster {
                        for line in progress.value.withLock({ $0.lines(cluster, now: time.now) }) { tell(line, at: time.uptime - start) }
                        if isDone(cluster) { outcome = .reached(cluster) }
                    }
                    return outcome == nil
                }
                if let outcome { return outcome }
            } catch let error as OperatorClientError where error.isUnavailable {
                if !isLost { console.note("  the region's service does not answer; trying again") }
                isLost = true
            }
            try await time.sleep(for: .milliseconds(500))
        }
    }

    private func tell(_ line: ClusterProgress.Line, at moment: Duration) {
        console.status("")
        let clock = console.paint(Durations.text(moment.seconds).leftPadded(to: 8), .dim)
        switch line {
        case .done(let title, let seconds):
            console.note("\(clock)  \(console.paint("done", .green))     \(title) (\(Durations.text(seconds)))")
        case .failed(let title, let error): console.note("\(clock)  \(console.paint("failed", .red))   \(title): \(error)")
        case .state(let text): console.note("\(clock)  \(console.paint("now", .bold))      \(text)")
        case .waiting(let message): console.note("\(clock)  \(console.paint("waiting", .yellow))  \(message)")
        }
    }
}

/// Told by the watch, shown by the clock.
private final class SharedProgress: Sendable {
    let value: Mutex<ClusterProgress>
    init(begun: Date) { value = Mutex(ClusterProgress(begun: begun)) }
}

extension ClusterProgress {
    /// What happens now, for a line that is rewritten.
    fileprivate func status(now: Date) -> String {
        let steps = running.map { "\($0.title) (\(Durations.text(now.timeIntervalSince($0.startedAt))))" }
        return (steps + waits.map { "waiting: \($0)" }).joined(separator: ", ")
    }
}

extension String {
    func leftPadded(to width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }

    /// At most `width` characters.
    func prefixFitting(_ width: Int) -> String { count <= width ? self : String(prefix(width - 1)) + "…" }
}
