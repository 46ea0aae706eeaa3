import FleetModel
import FleetStore
import Foundation
import Identity
import Timing

extension Clusters {
    /// The cluster, for somebody who may recover it.
    public func recoverable(_ name: String, as caller: Principal) async throws -> Cluster {
        try await authorized(name, .change, "slipway:RecoverCluster", caller).value
    }

    /// Asks that etcd begins again from `source`; everything else that is left of its data is given up. Asking again is harmless.
    /// - Throws: `ClusterServiceError` (`inUse`, `invalidParameter`, `notFound`).
    public func recover(_ name: String, from source: RecoveryProposal.Candidate, as caller: Principal) async throws -> Cluster {
        let stored = try await authorized(name, .change, "slipway:RecoverCluster", caller)
        let now = time.now
        let backup = source.kind == RecoveryProposal.Candidate.member ? nil : try await backup(source.name, of: stored.value)
        let asked = try await store.update(Cluster.self, stored.value.storeKey) { current in
            guard current.metadata.uid == stored.value.metadata.uid else { throw notFound(name) }
            guard current.metadata.deletionRequestedAt == nil else {
                throw ClusterServiceError(.inUse, "Cluster \(name) is being deleted.", cluster: name)
            }
            let wanted: RestoreIntent.Source = backup.map { .backup($0.id, in: current.cell) } ?? .volume(source.name)
            if let present = current.spec.restore {
                if present.source == wanted { return nil }
                // What is recovered from may be lost in turn.
                guard case .volume = present.source else {
                    throw ClusterServiceError(.inUse, "Cluster \(name) is being restored from \(present.summary).", cluster: name)
                }
            }
            // One that goes back already may need the data to come to its end.
            if let update = current.spec.update, update.reversal == nil {
                throw ClusterServiceError(
                    .inUse,
                    "Cluster \(name) has an update in progress: \(update.id). Cancel it first, `slipway update cancel \(name)`: then the recovery can begin, and the update ends with it.",
                    cluster: name)
            }
            var new = current
            new.spec.restore = RestoreIntent(
                id: UUID().uuidString.lowercased(), source: wanted, kind: .inPlace, requestedBy: caller.arn, requestedAt: now,
                revision: source.revision, takenAt: source.at)
            if let backup { new.takeUpSecrets(of: backup) }
            new.metadata.generation += 1
            return new
        }
        guard let asked else { throw notFound(name) }
        return asked.value
    }

    private func backup(_ name: String, of cluster: Cluster) async throws -> Backup {
        let id = try BackupID(name)
        guard let stored = try await store.get(Backup.self, StoreKeys.backup(id, in: cluster.cell)) else {
            throw ClusterServiceError(.notFound, "There is no backup \(id).", cluster: cluster.name.rawValue)
        }
        return stored.value
    }
}
