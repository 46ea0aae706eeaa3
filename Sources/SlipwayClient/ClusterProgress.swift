import FleetModel
import Foundation

/// Turns what a cluster's watch says into lines for people, each step once. Pure: `now` comes from outside.
public struct ClusterProgress: Sendable {
    public enum Line: Equatable, Sendable {
        /// `seconds` since it was begun.
        case done(String, seconds: Double)
        case failed(String, error: String)
        case waiting(String)
    }

    private let begun: Date
    private var told: Set<StepKey> = []
    private var lastWaits: [String] = []
    public private(set) var running: [StepRecord] = []
    public private(set) var waits: [String] = []

    private struct StepKey: Hashable {
        var title: String
        var startedAt: Date
    }

    /// - Parameter begun: steps that ended earlier belong to the cluster's past and are not told.
    public init(begun: Date) { self.begun = begun }

    /// What is new in `cluster`.
    public mutating func lines(_ cluster: ClusterDetail) -> [Line] {
        var lines: [Line] = []
        running = cluster.steps.filter { $0.finishedAt == nil }
        for step in cluster.steps {
            guard let end = step.finishedAt, end >= begun,
                told.insert(StepKey(title: step.title, startedAt: step.startedAt)).inserted
            else { continue }
            if let error = step.error {
                lines.append(.failed(step.title, error: error))
            } else {
                lines.append(.done(step.title, seconds: end.timeIntervalSince(step.startedAt)))
            }
        }
        waits = cluster.waits.map(\.message)
        for wait in waits where !lastWaits.contains(wait) { lines.append(.waiting(wait)) }
        lastWaits = waits
        return lines
    }
}
