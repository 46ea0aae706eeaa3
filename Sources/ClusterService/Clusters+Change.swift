import FleetModel
import FleetStore
import Foundation
import Identity
import Timing

extension Clusters {
    /// Changes a cluster's deletion protection, which touches nothing that runs: the update is done when it is written.
    ///
    /// The same request with the same `clientRequestToken` gives the same update.
    public func change(_ name: String, _ request: ClusterChange, as caller: Principal) async throws -> ClusterUpdate {
        while true {
            let stored = try await authorized(name, .change, "eks:UpdateClusterConfig", caller)
            let wanted = try protection(request, cluster: name)
            let parameters = ["DeletionProtection": "\(wanted)"]
            if let token = request.clientRequestToken,
                let earlier = try await changes(of: stored.value).first(where: { $0.token == token })
            {
                guard earlier.parameters == parameters else {
                    throw ClusterServiceError(
                        .invalidParameter, "The client request token was used before for \(name) with other parameters.", cluster: name)
                }
                return earlier
            }
            guard stored.value.metadata.deletionRequestedAt == nil else {
                throw ClusterServiceError(.inUse, "Cluster \(name) is being deleted.", cluster: name)
            }
            guard stored.value.spec.settings.deletionProtection != wanted else {
                throw ClusterServiceError(
                    .invalidParameter, "No changes needed: deletion protection of \(name) is \(wanted ? "on" : "off").", cluster: name)
            }
            var cluster = stored.value
            cluster.spec.settings.deletionProtection = wanted
            var update = ClusterUpdate(
                id: UUID().uuidString.lowercased(), cluster: cluster.name, cell: cluster.cell, status: .successful,
                type: "DeletionProtectionUpdate", parameters: parameters, createdAt: time.now)
            update.token = request.clientRequestToken
            do {
                try await store.commit(
                    [try .put(cluster), try .put(update)],
                    if: [.unchanged(cluster.storeKey, modRevision: stored.modRevision), .absent(update.storeKey)])
                return update
            } catch let error as StoreError where error.code == .conflict {
                try Task.checkCancellation()
            }
        }
    }

    private func protection(_ request: ClusterChange, cluster: String) throws -> Bool {
        if let other = request.unoffered.first {
            throw ClusterServiceError(.invalidParameter, "Changing \(other) is not offered by Slipway (yet).", cluster: cluster)
        }
        if let token = request.clientRequestToken, !(1...128).contains(token.utf8.count) {
            throw ClusterServiceError(.invalidParameter, "The client request token must have 1 to 128 characters.", cluster: cluster)
        }
        guard let wanted = request.deletionProtection else {
            throw ClusterServiceError(.invalidParameter, "No changes requested; deletionProtection can be changed.", cluster: cluster)
        }
        return wanted
    }

    private func changes(of cluster: Cluster) async throws -> [ClusterUpdate] {
        try await store.list(ClusterUpdate.self, prefix: StoreKeys.updates(of: cluster.name, in: cluster.cell)).items.map(\.value)
    }
}
