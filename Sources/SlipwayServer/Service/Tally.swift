import FleetModel
import FleetStore
import Observability
import Synchronization

/// The phase of each cluster, and their counts as metrics.
final class Tally: Sendable {
    private let phases = Mutex<[StoreKey: [StoreKey: ClusterPhase]]>([:])

    func replace(_ prefix: StoreKey, _ new: [StoreKey: ClusterPhase]) {
        publish(
            phases.withLock { all in
                all[prefix] = new
                return Self.counts(all)
            })
    }

    func set(_ prefix: StoreKey, _ key: StoreKey, _ phase: ClusterPhase?) {
        let counts: [ClusterPhase: Int]? = phases.withLock { all in
            guard all[prefix, default: [:]][key] != phase else { return nil }
            all[prefix, default: [:]][key] = phase
            return Self.counts(all)
        }
        if let counts { publish(counts) }
    }

    private static func counts(_ all: [StoreKey: [StoreKey: ClusterPhase]]) -> [ClusterPhase: Int] {
        var counts: [ClusterPhase: Int] = [:]
        for phases in all.values { for phase in phases.values { counts[phase, default: 0] += 1 } }
        return counts
    }

    private func publish(_ counts: [ClusterPhase: Int]) {
        for phase in ClusterPhase.allCases { RegionMetrics.clusters(status: phase.rawValue, counts[phase] ?? 0) }
    }
}
