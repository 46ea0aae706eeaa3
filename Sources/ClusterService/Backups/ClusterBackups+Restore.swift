import FleetModel
import FleetStore
import Foundation
import Identity
import Timing

/// What a restore in place gives up.
public struct RestoreLoss: Sendable {
    public var cluster: Cluster
    public var backup: Backup
    /// etcd's now; nil when it does not answer.
    public var presentRevision: Int64?
}

extension ClusterBackups {
    /// What would be lost by restoring the backup in place.
    public func loss(_ id: String, as caller: Principal) async throws -> RestoreLoss {
        let backup = try await usable(id, "slipway:RestoreBackup", caller)
        let cluster = try await clusters.authorized(backup.id.cluster.rawValue, .change, "slipway:RestoreBackup", caller).value
        return RestoreLoss(cluster: cluster, backup: backup, presentRevision: await revision(cluster))
    }

    /// Asks that the backup's own cluster becomes what the backup holds; what was written since is lost.
    ///
    /// The cluster's controllers check the backup first, by restoring it into an etcd of its own, and touch nothing when it is
    /// damaged.
    public func restoreInPlace(_ id: String, as caller: Principal) async throws -> Cluster {
        let backup = try await usable(id, "slipway:RestoreBackup", caller)
        let name = backup.id.cluster.rawValue
        let stored = try await clusters.authorized(name, .change, "slipway:RestoreBackup", caller)
        let intent = intent(backup, .inPlace, caller)
        let new = try await store.update(stored) { current in
            guard current.metadata.uid == backup.clusterUID else {
                throw ClusterServiceError(
                    .invalidRequest,
                    "Backup \(id) is of an earlier cluster named \(name), not of the present one; restore it as a new cluster.",
                    cluster: name)
            }
            guard current.metadata.deletionRequestedAt == nil else {
                throw ClusterServiceError(.inUse, "Cluster \(name) is being deleted.", cluster: name)
            }
            if let other = current.spec.restore {
                throw ClusterServiceError(.inUse, "Cluster \(name) is being restored from \(other.summary) already.", cluster: name)
            }
            if let update = current.spec.update {
                throw ClusterServiceError(
                    .inUse,
                    "Cluster \(name) has an update in progress: \(update.id). Restore it when that has ended; `slipway update cancel \(name)` ends it sooner.",
                    cluster: name)
            }
            // API servers of before cannot read yet what those write that are made for the restore.
            if let encryption = current.spec.encryption, encryption.phase == .readable, let update = encryption.updateID {
                throw ClusterServiceError(
                    .inUse,
                    "The secrets of \(name) are being encrypted (\(encryption.phase.name)), by the update \(update). Restore it when that has ended: `slipway update watch \(name)`.",
                    cluster: name)
            }
            var new = current
            new.spec.restore = intent
            new.takeUpSecrets(of: backup)
            new.metadata.generation += 1
            return new
        }
        guard let new else { throw clusters.notFound(name) }
        return new.value
    }

    /// Makes a new cluster, with its own name, addresses, certificates and keys, that begins with what the backup holds.
    public func restore(_ id: String, asNew name: String, as caller: Principal) async throws -> Cluster {
        let backup = try await usable(id, "slipway:RestoreBackup", caller)
        guard let spec = backup.spec else {
            throw ClusterServiceError(.invalidRequest, "Backup \(id) does not say what its cluster was like.")
        }
        let intent = intent(backup, .newCluster, caller)
        return try await clusters.create(like: spec, name: name, as: caller) { $0.spec.restore = intent }
    }

    private func intent(_ backup: Backup, _ kind: RestoreIntent.Kind, _ caller: Principal) -> RestoreIntent {
        RestoreIntent(
            id: UUID().uuidString.lowercased(), source: .backup(backup.id, in: backup.cell), kind: kind, requestedBy: caller.arn,
            requestedAt: time.now, revision: backup.facts?.revision, takenAt: backup.facts?.takenAt)
    }

    private func usable(_ id: String, _ action: String, _ caller: Principal) async throws -> Backup {
        let backup = try await authorized(id, .change, action, caller).value
        guard backup.phase == .complete else { throw Self.incomplete(backup) }
        guard backup.deletionRequestedAt == nil else { throw ClusterServiceError(.invalidRequest, "Backup \(id) is being deleted.") }
        guard !backup.isDamaged else {
            throw ClusterServiceError(.invalidRequest, "It is not used: \(backup.verification?.message ?? "backup \(id) is damaged.")")
        }
        return backup
    }
}

extension Cluster {
    /// Its secrets become the backup's, sealed with whatever the cluster had then: API servers read that, too, and all is sealed anew.
    mutating func takeUpSecrets(of backup: Backup) {
        guard let encryption = spec.encryption else { return }
        spec.encryption = encryption.restored(from: backup.spec?.encryption)
        spec.controlPlane.renewAPIServers()
    }
}

extension Clusters {
    /// A new cluster with the settings of another: the same Kubernetes minor, service addresses, sizes and logging.
    func create(
        like spec: ClusterSpec, name: String, as caller: Principal, adjusting adjust: @escaping @Sendable (inout Cluster) -> Void
    ) async throws -> Cluster {
        var request = NewCluster(
            name: name, roleArn: spec.settings.roleARN, resourcesVpcConfig: NewCluster.VPCConfig(subnetIds: spec.settings.subnetIDs))
        request.version = spec.controlPlane.version.minorVersion.description
        return try await create(request, as: caller) { cluster in
            var settings = spec.settings
            // The new one's own: who made it, and by which request.
            settings.creatorARN = cluster.spec.settings.creatorARN
            settings.clientRequestToken = cluster.spec.settings.clientRequestToken
            settings.requestDigest = cluster.spec.settings.requestDigest
            settings.identityProvider?.id = UUID().uuidString.lowercased()
            cluster.spec.settings = settings
            cluster.spec.controlPlane.endpointAccess = EndpointAccess(settings)
            cluster.spec.controlPlane.apiServerCount = spec.controlPlane.apiServerCount
            cluster.spec.controlPlane.etcdSize = spec.controlPlane.etcdSize
            cluster.spec.controlPlane.apiServerSize = spec.controlPlane.apiServerSize
            // The data is sealed with the other's key, in whatever phase it was.
            cluster.spec.encryption = spec.encryption?.restored(from: spec.encryption)
            // Of the other cluster's.
            cluster.spec.encryption?.updateID = nil
            adjust(&cluster)
        }
    }
}
