import Crypto
import FleetModel
import FleetStore
import Foundation
import Identity
import Planning
import Timing

/// What an update is to change of a cluster, once it was found to be allowed.
struct UpdateDraft {
    /// The service model's `UpdateType`.
    var type: String
    /// By the service model's `UpdateParamType`.
    var parameters: [String: String]
    /// What is wanted from now on.
    var spec: ClusterSpec
    var strategy = UpdateIntent.Strategy.blueGreen
    var changesEtcdStorage = false
    /// The update brings the rotation in `spec` on.
    var advancesRotation = false
    /// Nothing that runs changes: the update is done when it is written.
    var isImmediate: Bool
}

/// The same request may be sent again.
struct UpdateToken {
    var token: String?
    /// Of the request without the token.
    var digest: String

    /// - Parameter request: the request, its token taken out.
    init(_ token: String?, of request: some Encodable) throws {
        self.token = token
        digest = SHA256.hash(data: try StoreCoding.encode(request)).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }
}

extension Clusters {
    /// Begins an update: what is wanted of the cluster and the record of the update are written in one transaction. One update of
    /// a cluster at a time.
    ///
    /// - Parameters:
    ///   - action: as IAM names it.
    ///   - draft: decides; called again when somebody else wrote the cluster meanwhile.
    /// - Returns: the update; that of before for a request that was sent before.
    func begin(
        _ name: String, _ action: String, _ token: UpdateToken, as caller: Principal, _ draft: (Cluster) async throws -> UpdateDraft
    ) async throws -> ClusterUpdate {
        func invalid(_ message: String) -> ClusterServiceError { ClusterServiceError(.invalidParameter, message, cluster: name) }
        if let token = token.token, !(1...128).contains(token.utf8.count) {
            throw invalid("The client request token must have 1 to 128 characters.")
        }
        while true {
            let stored = try await authorized(name, .change, action, caller)
            if let text = token.token, let earlier = try await updates(of: stored.value).first(where: { $0.token == text }) {
                guard earlier.requestDigest == token.digest else {
                    throw invalid("The client request token was used before for \(name) with other parameters.")
                }
                return earlier
            }
            try admitUpdate(stored.value)
            let draft = try await draft(stored.value)
            // What touches nothing that runs does not mind what a restore has left to be encrypted.
            if !draft.isImmediate, let encryption = stored.value.spec.encryption, encryption.phase != .settled {
                throw sealing(stored.value, encryption)
            }
            let update = update(of: stored.value, draft, token, caller)
            do {
                try await store.commit(
                    [try .put(changed(stored.value, draft, update)), try .put(update)],
                    if: [.unchanged(stored.value.storeKey, modRevision: stored.modRevision), .absent(update.storeKey)])
                return update
            } catch let error as StoreError where error.code == .conflict {
                try Task.checkCancellation()
            }
        }
    }

    private func inUse(_ cluster: Cluster, _ message: String) -> ClusterServiceError {
        ClusterServiceError(.inUse, message, cluster: cluster.name.rawValue)
    }

    private func sealing(_ cluster: Cluster, _ encryption: EncryptionIntent) -> ClusterServiceError {
        inUse(cluster, "The secrets of \(cluster.name) are being encrypted (\(encryption.phase.name)); its update has not ended yet.")
    }

    private func admitUpdate(_ cluster: Cluster) throws {
        func inUse(_ message: String) -> ClusterServiceError { self.inUse(cluster, message) }
        if cluster.metadata.deletionRequestedAt != nil { throw inUse("Cluster \(cluster.name) is being deleted.") }
        if let update = cluster.spec.update { throw inUse("Cluster \(cluster.name) has an update in progress: \(update.id).") }
        if let encryption = cluster.spec.encryption, encryption.phase != .settled, encryption.updateID != nil {
            throw sealing(cluster, encryption)
        }
        if let restore = cluster.spec.restore { throw inUse("Cluster \(cluster.name) is being restored from \(restore.summary).") }
    }

    private func update(of cluster: Cluster, _ draft: UpdateDraft, _ token: UpdateToken, _ caller: Principal) -> ClusterUpdate {
        let now = time.now
        var update = ClusterUpdate(
            id: UUID().uuidString.lowercased(), cluster: cluster.name, cell: cluster.cell,
            status: draft.isImmediate ? .successful : .inProgress, type: draft.type, parameters: draft.parameters, createdAt: now)
        update.token = token.token
        update.requestDigest = token.digest
        update.requestedBy = caller.arn
        if draft.isImmediate { update.finishedAt = now }
        return update
    }

    private func changed(_ cluster: Cluster, _ draft: UpdateDraft, _ update: ClusterUpdate) -> Cluster {
        guard !draft.isImmediate else {
            var new = cluster
            new.spec = draft.spec
            return new
        }
        var spec = draft.spec
        if draft.advancesRotation { spec.rotation?.updateID = update.id }
        var new = cluster.updating(to: spec, by: update, strategy: draft.strategy, changesEtcdStorage: draft.changesEtcdStorage)
        new.spec.update?.troubled = cluster.troubledInstances
        return new
    }

    func updates(of cluster: Cluster) async throws -> [ClusterUpdate] {
        try await store.list(ClusterUpdate.self, prefix: StoreKeys.updates(of: cluster.name, in: cluster.cell)).items.map(\.value)
    }
}
