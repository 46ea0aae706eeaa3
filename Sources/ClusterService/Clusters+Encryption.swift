import FleetModel
import FleetStore
import Foundation
import Identity
import Planning
import Timing

/// The EKS API's `AssociateEncryptionConfigRequest`, under the same names.
public struct EncryptionAssociation: Codable, Hashable, Sendable {
    public var encryptionConfig: [NewCluster.EncryptionConfig]?
    public var clientRequestToken: String?
}

extension Clusters {
    /// Has a cluster's secrets encrypted with a key, those that exist already, too. Once API servers have begun to seal with it, it cannot be
    /// undone, nor the key be changed for another one, as in EKS; until then it can be cancelled, and goes back by itself when API servers
    /// do not take it up.
    ///
    /// The same request with the same `clientRequestToken` gives the same update.
    /// - Returns: the update, which ends when nothing plain is left in etcd.
    public func associateEncryption(_ name: String, _ request: EncryptionAssociation, as caller: Principal) async throws -> ClusterUpdate {
        func invalid(_ message: String) -> ClusterServiceError { ClusterServiceError(.invalidParameter, message, cluster: name) }
        if let token = request.clientRequestToken, !(1...128).contains(token.utf8.count) {
            throw invalid("The client request token must have 1 to 128 characters.")
        }
        while true {
            let stored = try await authorized(name, .change, "eks:AssociateEncryptionConfig", caller)
            guard let key = try await encryptionKey(request.encryptionConfig, cluster: name) else {
                throw invalid("The parameter 'encryptionConfig' is required: one entry, with resources ['secrets'] and provider.keyArn.")
            }
            var update = ClusterUpdate.encryption(
                UUID().uuidString.lowercased(), of: stored.value, keyARN: key.arn, type: "AssociateEncryptionConfig", now: time.now)
            update.token = request.clientRequestToken
            update.requestedBy = caller.arn
            let others = try await updates(of: stored.value)
            if let token = request.clientRequestToken, let earlier = others.first(where: { $0.token == token }) {
                guard earlier.type == update.type, earlier.parameters == update.parameters else {
                    throw invalid("The client request token was used before for \(name) with other parameters.")
                }
                return earlier
            }
            try check(stored.value, others)
            var spec = stored.value.spec
            spec.encryption = encryption(of: stored.value, key, phase: .readable, updateID: update.id)
            spec.controlPlane.renewAPIServers()
            var cluster = stored.value.updating(to: spec, by: update)
            cluster.spec.update?.troubled = stored.value.troubledInstances
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

    private func check(_ cluster: Cluster, _ updates: [ClusterUpdate]) throws {
        let name = cluster.name.rawValue
        guard cluster.metadata.deletionRequestedAt == nil else {
            throw ClusterServiceError(.inUse, "Cluster \(name) is being deleted.", cluster: name)
        }
        guard cluster.status.activeSince != nil else {
            throw ClusterServiceError(.inUse, "Cluster \(name) is not active yet.", cluster: name)
        }
        if let restore = cluster.spec.restore {
            throw ClusterServiceError(.inUse, "Cluster \(name) is being restored from \(restore.summary).", cluster: name)
        }
        if let update = cluster.spec.update {
            throw ClusterServiceError(.inUse, "Cluster \(name) has an update in progress: \(update.id).", cluster: name)
        }
        if let other = updates.first(where: { $0.status == .inProgress }) {
            throw ClusterServiceError(.inUse, "Cluster \(name) has an update in progress: \(other.id).", cluster: name)
        }
        if let encryption = cluster.spec.encryption {
            throw ClusterServiceError(
                .invalidRequest,
                "The secrets of \(name) are encrypted with \(encryption.keyARN) already. That can be neither undone nor changed to another key; `slipway key rotate` gives the key a new version.",
                cluster: name)
        }
    }

    /// The key that a caller asks for; nil when none is.
    /// - Throws: `ClusterServiceError` (`invalidParameter`) when what is asked for cannot be.
    func encryptionKey(_ config: [NewCluster.EncryptionConfig]?, cluster: String? = nil) async throws -> KeyDescription? {
        guard let config, let wanted = config.first else { return nil }
        func invalid(_ message: String) -> ClusterServiceError { ClusterServiceError(.invalidParameter, message, cluster: cluster) }
        guard config.count == 1 else { throw invalid("encryptionConfig has at most one entry.") }
        guard wanted.resources == EncryptionIntent.resources else {
            throw invalid("encryptionConfig.resources must be ['secrets']: nothing else can be encrypted.")
        }
        guard let arn = wanted.provider?.keyArn, !arn.isEmpty else { throw invalid("encryptionConfig.provider.keyArn is required.") }
        guard let keys else { throw invalid("encryptionConfig is not offered by this region; leave it out.") }
        guard let key = try await keys.key(arn), key.arn == arn else {
            throw invalid("There is no key '\(arn.prefix(200))' in \(region.name); `slipway key list` says which there are.")
        }
        return key
    }

    func encryption(of cluster: Cluster, _ key: KeyDescription, phase: EncryptionPhase, updateID: String? = nil) -> EncryptionIntent {
        EncryptionIntent(
            keyARN: key.arn, scope: cluster.metadata.uid,
            target: .newest(keyVersion: key.version, for: cluster.spec.controlPlane.version), phase: phase,
            plain: phase == .settled ? nil : .values, updateID: updateID)
    }
}
