import FleetModel
import FleetStore
import Synchronization

/// Clusters as they were last read or written, so that those that are looked at several times a second are not decoded each time.
/// Settled ones are forgotten: they are read seldom, and there may be thousands.
final class KnownClusters: Sendable {
    private let clusters = Mutex<[ClusterName: Stored<Cluster>]>([:])

    /// - Returns: the cluster as the store has it now; nil when there is none.
    /// - Throws: `StoreError`.
    func read(_ name: ClusterName, in cell: CellName, _ store: any FleetStore) async throws -> Stored<Cluster>? {
        guard let value = try await store.get(StoreKeys.cluster(name, in: cell)) else {
            forget(name)
            return nil
        }
        if let known = clusters.withLock({ $0[name] }), known.modRevision == value.modRevision { return known }
        let cluster = try Stored<Cluster>(decoding: value)
        note(cluster)
        return cluster
    }

    func note(_ cluster: Stored<Cluster>?) {
        guard let cluster else { return }
        clusters.withLock { $0[cluster.value.name] = cluster }
    }

    func forget(_ name: ClusterName) { clusters.withLock { $0[name] = nil } }
}
