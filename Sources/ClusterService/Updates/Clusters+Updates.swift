import FleetModel
import FleetStore
import Foundation
import Identity
import Timing

extension Clusters {
    /// A cluster's updates, newest first.
    public func updates(of name: String, as caller: Principal) async throws -> [ClusterUpdate] {
        let cluster = try await authorized(name, .read, "eks:ListUpdates", caller).value
        return try await updates(of: cluster).sorted { ($1.createdAt, $0.id) < ($0.createdAt, $1.id) }
    }

    public func update(_ id: String, of name: String, as caller: Principal) async throws -> ClusterUpdate {
        let cluster = try await authorized(name, .read, "eks:DescribeUpdate", caller).value
        let prefix = StoreKeys.updates(of: cluster.name, in: cluster.cell)
        let key = StoreKey(rawValue: prefix.rawValue + id)
        guard UUID(uuidString: id) != nil, let update = try await store.get(ClusterUpdate.self, key) else {
            throw ClusterServiceError(.notFound, "No update found for ID: \(id.prefix(80))", cluster: name)
        }
        return update.value
    }

    /// Asks that the update which is under way goes back; the cluster becomes again what it was, and the update ends as
    /// `Cancelled`. Asking again is harmless. EKS has no such operation.
    /// - Throws: `ClusterServiceError` (`invalidRequest`) when the update has ended, or cannot go back any more.
    public func cancelUpdate(_ id: String?, of name: String, as caller: Principal) async throws -> ClusterUpdate {
        let stored = try await authorized(name, .change, "slipway:CancelUpdate", caller)
        let now = time.now
        let written = try await store.update(Cluster.self, stored.value.storeKey) { current in
            guard current.metadata.uid == stored.value.metadata.uid else { throw notFound(name) }
            guard let update = current.spec.update, id == nil || update.id == id else {
                throw ClusterServiceError(.invalidRequest, "\(name) has no such update in progress.", cluster: name)
            }
            guard update.reversal == nil else { return nil }
            var new = current
            let reversal = UpdateIntent.Reversal(
                reason: "cancelled by \(caller.arn)", errorCode: "OperationNotPermitted", isCancelled: true, decidedAt: now)
            new.spec.revert(reversal)
            new.metadata.generation += 1
            return new
        }
        guard let update = written?.value.spec.update else { throw notFound(name) }
        return try await self.update(update.id, of: name, as: caller)
    }
}
