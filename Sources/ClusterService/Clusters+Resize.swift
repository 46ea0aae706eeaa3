import FleetModel
import FleetStore
import Foundation
import Identity

extension Clusters {
    /// Gives a cluster's etcd another quota. The members get it one after the other, as with every change of what runs.
    /// - Throws: `ClusterServiceError` (`invalidParameter`, `inUse`, `notFound`).
    public func resize(_ name: String, etcdQuotaMiB: Int, as caller: Principal) async throws -> Cluster {
        let stored = try await authorized(name, .change, "slipway:ResizeCluster", caller)
        let resized = try await store.update(Cluster.self, stored.value.storeKey) { current in
            guard current.metadata.uid == stored.value.metadata.uid else { throw notFound(name) }
            guard current.metadata.deletionRequestedAt == nil else {
                throw ClusterServiceError(.inUse, "Cluster \(name) is being deleted.", cluster: name)
            }
            // One that fails puts back what was before it.
            if let update = current.spec.update {
                throw ClusterServiceError(.inUse, "Cluster \(name) has an update in progress: \(update.id).", cluster: name)
            }
            let size = try Self.etcdSize(current.spec.controlPlane.etcdSize, quotaMiB: etcdQuotaMiB)
            guard size != current.spec.controlPlane.etcdSize else { return nil }
            // An etcd whose database is larger than its quota takes no writes from its first moment.
            let used = current.status.etcd?.members.map(\.databaseBytes).max() ?? 0
            guard size.databaseQuotaBytes > used else {
                throw ClusterServiceError(
                    .invalidParameter,
                    "etcd's database has \((used >> 20) + 1) MiB already; a quota of \(etcdQuotaMiB) MiB would stop all writes.",
                    cluster: name)
            }
            var new = current
            new.spec.controlPlane.etcdSize = size
            new.metadata.generation += 1
            return new
        }
        guard let resized else { throw notFound(name) }
        return resized.value
    }

    static func etcdSize(_ size: InstanceSize, quotaMiB: Int) throws -> InstanceSize {
        guard InstanceSize.databaseQuotas.contains(quotaMiB) else {
            let range = InstanceSize.databaseQuotas
            throw ClusterServiceError(
                .invalidParameter, "etcd's quota must be between \(range.lowerBound) and \(range.upperBound) MiB, and not \(quotaMiB).")
        }
        return size.withDatabaseQuota(mebibytes: quotaMiB)
    }
}
