import FleetModel
import Foundation

/// Turns what a cluster's watch says into lines for people, each step once. Pure: `now` comes from outside.
public struct ClusterProgress: Sendable {
    public enum Line: Equatable, Sendable {
        /// `seconds` since it was begun.
        case done(String, seconds: Double)
        case failed(String, error: String)
        case waiting(String)
        /// The cluster's state, when it is another than before.
        case state(String)
    }

    /// A wait or a failure that comes back within this time, in seconds, is not told again: a member that answers every other time, and
    /// what is tried again, would fill the screen.
    public static let quiet: TimeInterval = 30

    private let begun: Date
    private var told: Set<StepKey> = []
    /// When each wait was seen last, and each failure was told last.
    private var seenWaits: [String: Date] = [:]
    private var toldFailures: [String: Date] = [:]
    private var lastState: String?
    /// The newest state of the cluster.
    public private(set) var last: ClusterDetail?
    public private(set) var running: [StepRecord] = []
    public private(set) var waits: [String] = []
    /// Why what was tried last did not succeed, by step; a step that succeeded since is not in it.
    public private(set) var failures: [String: String] = [:]

    private struct StepKey: Hashable {
        var title: String
        var startedAt: Date
    }

    /// - Parameter begun: steps that ended earlier belong to the cluster's past and are not told.
    public init(begun: Date) { self.begun = begun }

    /// `ACTIVE`, or `ACTIVE, degraded`, or `ACTIVE, not available`.
    public static func state(of cluster: ClusterDetail) -> String {
        func holds(_ kind: Condition.Kind, _ status: Condition.Status) -> Bool {
            cluster.conditions.contains { $0.kind == kind && $0.status == status }
        }
        guard cluster.activeSince != nil, cluster.deletionRequestedAt == nil else { return cluster.status }
        if holds(.available, .no) { return "\(cluster.status), not available" }
        return holds(.degraded, .yes) ? "\(cluster.status), degraded" : cluster.status
    }

    /// What is new in `cluster`.
    public mutating func lines(_ cluster: ClusterDetail, now: Date) -> [Line] {
        last = cluster
        var lines: [Line] = []
        running = cluster.steps.filter { $0.finishedAt == nil }
        for step in cluster.steps {
            guard let end = step.finishedAt, end >= begun,
                told.insert(StepKey(title: step.title, startedAt: step.startedAt)).inserted
            else { continue }
            failures[step.title] = step.error
            if let error = step.error {
                let text = "\(step.title): \(error)"
                if toldFailures[text].map({ now.timeIntervalSince($0) > Self.quiet }) ?? true {
                    toldFailures[text] = now
                    lines.append(.failed(step.title, error: error))
                }
            } else {
                lines.append(.done(step.title, seconds: end.timeIntervalSince(step.startedAt)))
            }
        }
        waits = cluster.waits.map(\.message)
        for wait in waits where seenWaits[wait].map({ now.timeIntervalSince($0) > Self.quiet }) ?? true { lines.append(.waiting(wait)) }
        seenWaits = seenWaits.filter { now.timeIntervalSince($0.value) <= Self.quiet }
        for wait in waits { seenWaits[wait] = now }
        let state = Self.state(of: cluster)
        if let lastState, lastState != state { lines.append(.state(state)) }
        lastState = state
        return lines
    }
}
