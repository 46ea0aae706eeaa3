import FleetModel
import Foundation
import Simulation
import Testing

/// Seeds in the range are all simulated by `make test`; `SLIPWAY_SEEDS=FROM..<TO` takes others, and
/// `SLIPWAY_TRACES=DIRECTORY` keeps the traces of those that fail.
@Suite(.serialized) struct SimulationTests {
    static var seeds: Range<UInt64> {
        let text = ProcessInfo.processInfo.environment["SLIPWAY_SEEDS"] ?? ""
        let bounds = text.components(separatedBy: "..<").compactMap { UInt64($0) }
        return bounds.count == 2 && bounds[0] < bounds[1] ? bounds[0]..<bounds[1] : 1..<1001
    }

    /// Crashes, slow calls, lost replies, every kind of fault, zones out of service, killed, paused and deaf managers: no invariant is
    /// ever broken, no evacuation makes anything worse than leaving alone, and once faults stop everything becomes as wanted.
    @Test func aThousandSeeds() async throws {
        let outcome = await SimulationBatch(seeds: Self.seeds).run(maximumFailures: 20)
        try say(outcome)
        #expect(outcome.passed == Self.seeds.count)
        // The simulation is not idle: things do happen in it.
        #expect(outcome.changes > Self.seeds.count * 10)
        #expect(outcome.kills > Self.seeds.count / 4)
        #expect(outcome.faults > Self.seeds.count)
        for status in [ClusterUpdate.Status.successful, .failed, .cancelled] {
            #expect(outcome.updates[status, default: 0] > Self.seeds.count / 20, "\(status)")
        }
    }

    private func say(_ outcome: SimulationBatch.Outcome, _ kind: String = "seed") throws {
        for report in outcome.failed {
            if let directory = ProcessInfo.processInfo.environment["SLIPWAY_TRACES"] {
                try report.text.write(toFile: "\(directory)/\(kind)-\(report.seed).txt", atomically: true, encoding: .utf8)
            }
            let reasons = report.violations + report.unfinished + [report.failure].compactMap { $0 }
            Issue.record("\(report.summary); \(reasons.prefix(3)); replay with: slipway simulate --seed \(report.seed)")
        }
    }

    @Test(arguments: [3, 17, 2026] as [UInt64])
    func aSeedReplaysToTheLetter(seed: UInt64) async {
        let batch = SimulationBatch(seeds: seed..<seed + 1)
        let first = await batch.reports()
        let second = await batch.reports()
        #expect(first.map(\.text) == second.map(\.text))
        #expect((first.first?.trace.count ?? 0) > 50)
    }

    @Test func withoutFaultsAClusterIsThereInSeconds() async {
        var options = SimulationOptions()
        options.hasFaults = false
        options.maximumClusters = 1
        let outcome = await SimulationBatch(seeds: 1..<6, options: options, workers: 1).run()
        #expect(outcome.failed.map(\.text) == [])
        #expect(outcome.kills == 0)
    }

    /// Zones are taken out of service and back meanwhile: an update to a good release waits for them, and a bad one goes back.
    @Test func withoutFaultsUpdatesEndAsTheyShould() async throws {
        var options = SimulationOptions()
        options.hasFaults = false
        let outcome = await SimulationBatch(seeds: 1..<41, options: options).run(maximumFailures: 3)
        try say(outcome, "calm")
        #expect(outcome.updates[.successful, default: 0] > 5)
        #expect(outcome.updates[.failed, default: 0] > 5)
    }

    /// What a fleet costs can be measured, and a pass over a settled one writes nothing.
    @Test func aSettledFleetIsIdle() async throws {
        let measured = try await SimulatedFleet(clusters: 50).measure()
        #expect(measured.clusters == 50)
        #expect(measured.writes == 0)
    }
}
