import FleetModel
import Timing

/// How a simulation went.
public struct SimulationReport: Sendable {
    public var seed: UInt64
    /// Invariants that were broken, by cluster.
    public var violations: [String]
    /// What was not as wanted at the end; empty when all is.
    public var unfinished: [String]
    /// Set when the run itself came to no end.
    public var failure: String?
    /// Calls that changed the substrate.
    public var changes: Int
    public var faults: Int
    /// What customers asked for.
    public var requests: Int
    /// How updates have ended.
    public var updates: [ClusterUpdate.Status: Int]
    /// Managers that were killed.
    public var kills: Int
    public var virtualTime: Duration
    public var trace: [SimulationTrace.Event]

    /// Nothing was broken, and everything became as wanted.
    public var hasPassed: Bool { violations.isEmpty && unfinished.isEmpty && failure == nil }

    /// One line.
    public var summary: String {
        let seconds = Int(virtualTime.seconds)
        let counts = "\(requests) requests, \(updates.values.reduce(0, +)) updates, \(faults) faults, \(kills) kills, \(changes) changes"
        return "seed \(seed): \(hasPassed ? "passed" : "FAILED"): \(counts) in \(seconds) s of virtual time"
    }

    /// The trace and what was wrong, for people.
    public var text: String {
        var lines = trace.map(\.description)
        lines.append(summary)
        lines += violations.map { "  violation: \($0)" }
        lines += unfinished.map { "  not as wanted: \($0)" }
        if let failure { lines.append("  \(failure)") }
        if !hasPassed { lines.append("replay with: slipway simulate --seed \(seed)") }
        return lines.joined(separator: "\n")
    }
}
