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
        let key = StoreKeys.update(id, of: cluster.name, in: cluster.cell)
        guard UUID(uuidString: id) != nil, let update = try await store.get(ClusterUpdate.self, key) else {
            throw ClusterServiceError(.notFound, "No update found for ID: \(id.prefix(80))", cluster: name)
        }
        return update.value
    }

    /// Asks that the update which is under way goes back; the cluster becomes again what it was, and the update ends as
    /// `Cancelled`. Asking again is harmless.
    /// - Throws: `ClusterServiceError` (`notFound`) when there is no such update; (`invalidRequest`) when it has ended, or cannot go back.
    public func cancelUpdate(_ id: String?, of name: String, as caller: Principal) async throws -> ClusterUpdate {
        let stored = try await authorized(name, .change, "eks:CancelUpdate", caller)
        let reason = "cancelled by \(caller.arn)"
        while true {
            guard let current = try await store.get(Cluster.self, stored.value.storeKey),
                current.value.metadata.uid == stored.value.metadata.uid
            else { throw notFound(name) }
            guard let update = current.value.spec.update, id == nil || update.id == id else {
                throw try await cannotCancel(id, current.value, as: caller)
            }
            var record = try await self.update(update.id, of: name, as: caller)
            if let reversal = update.reversal {
                guard reversal.isCancelled else {
                    throw ClusterServiceError(
                        .invalidRequest, "Update \(update.id) of \(name) goes back already, as it failed: \(reversal.reason)", cluster: name
                    )
                }
                return record
            }
            record.cancellation = reason
            var new = current.value
            new.spec.revert(
                UpdateIntent.Reversal(reason: reason, errorCode: "OperationNotPermitted", isCancelled: true, decidedAt: time.now))
            new.metadata.generation += 1
            do {
                try await store.replace(current, with: new, and: [try .put(record)])
                return record
            } catch let error as StoreError where error.code == .conflict {
                try Task.checkCancellation()
            }
        }
    }

    /// Why no update goes back.
    private func cannotCancel(_ id: String?, _ cluster: Cluster, as caller: Principal) async throws -> ClusterServiceError {
        let name = cluster.name.rawValue
        func refusal(_ text: String) -> ClusterServiceError { ClusterServiceError(.invalidRequest, text, cluster: name) }
        if let id {
            let update = try await self.update(id, of: name, as: caller)
            guard update.status == .inProgress else {
                return refusal("Update \(id) of \(name) has ended: it is \(update.status.rawValue).")
            }
        }
        return cluster.spec.encryption?.updateID == nil
            ? refusal("\(name) has no update in progress.")
            : refusal(
                "The API servers of \(name) begin to encrypt secrets with the key, or take up its new version: that goes on to its end, and cannot be taken back."
            )
    }
}
