import ArgumentParser
import Foundation
import Simulation

/// `slipway simulate`: whole regions on a virtual clock, from a seed.
struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Run the real planner and controllers over a simulated region, with faults, from a seed.",
        discussion: "One seed prints its trace; the same seed gives the same trace. Several print what failed.",
        subcommands: [SimulateFleetCommand.self])

    @Option(help: "The seed, or the first one.")
    var seed: UInt64 = 1

    @Option(help: "How many seeds, from the first on.")
    var seeds: UInt64 = 1

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard seeds > 0, !seed.addingReportingOverflow(seeds).overflow else {
            throw ValidationError("--seeds must be 1 or more, and the last seed at most \(UInt64.max - 1).")
        }
    }

    func run() async throws {
        do {
            if seeds == 1 {
                let report = SimulationRun(seed: seed).run()
                try output.console.result(SeedResult(report), text: report.text)
                guard report.hasPassed else { throw ExitCode(1) }
            } else {
                let outcome = await SimulationBatch(seeds: seed..<(seed + seeds)).run()
                let lines =
                    outcome.failed.map(\.text) + [
                        "\(outcome.passed) of \(seeds) seeds passed: \(outcome.requests) requests, \(outcome.faults) faults, \(outcome.kills) kills, \(outcome.updateText), \(outcome.changes) changes"
                    ]
                try output.console.result(outcome.failed.map(SeedResult.init), text: lines.joined(separator: "\n"))
                guard outcome.failed.isEmpty else { throw ExitCode(1) }
            }
        } catch let error as ExitCode {
            throw error
        } catch {
            throw CommandError(error)
        }
    }
}

/// `slipway simulate fleet`: what a large settled fleet costs.
struct SimulateFleetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fleet", abstract: "Measure memory and one pass with nothing to do over many simulated clusters.")

    @Option(help: "How many clusters.")
    var clusters = 1000

    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (1...100_000).contains(clusters) else { throw ValidationError("--clusters must be 1 to 100000.") }
    }

    func run() async throws {
        do {
            let result = FleetResult(try await SimulatedFleet(clusters: clusters).measure())
            try output.console.result(
                result,
                text: "\(clusters) clusters: \(Int(result.mebibytes)) MiB, one pass with nothing to do \(result.passSeconds) s")
        } catch {
            throw CommandError(error)
        }
    }
}

private struct SeedResult: Encodable {
    var seed: UInt64
    var passed: Bool
    var violations: [String]
    var unfinished: [String]
    var trace: [String]

    init(_ report: SimulationReport) {
        seed = report.seed
        passed = report.hasPassed
        violations = report.violations
        unfinished = report.unfinished + (report.failure.map { [$0] } ?? [])
        trace = report.trace.map(\.description)
    }
}

private struct FleetResult: Encodable {
    var clusters: Int
    /// Of the whole process, with the clusters.
    var mebibytes: Double
    var passSeconds: Double
    /// Store revisions that the pass made: 0, or it was not idle.
    var writes: Int

    init(_ measurement: SimulatedFleet.Measurement) {
        clusters = measurement.clusters
        mebibytes = Double(measurement.residentBytesAfter) / 1_048_576
        passSeconds = measurement.passSeconds
        writes = measurement.writes
    }
}
