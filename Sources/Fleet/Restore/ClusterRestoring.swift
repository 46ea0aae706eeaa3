import FleetModel
import Foundation
import Planning

/// Puts a snapshot's data in the place of a cluster's. Each call is idempotent and may be interrupted anywhere.
public protocol ClusterRestoring: Sendable {
    func observe(_ restore: RestoreIntent, of cluster: Cluster) async throws -> RestoreObservation
    /// Brings the snapshot here and checks it. One that is damaged is no error: `observe` says so from then on.
    func prepare(_ restore: RestoreIntent, of cluster: Cluster) async throws
    /// Makes the data on a member's volume that of the snapshot. The member must not run.
    func restore(_ member: InstanceIntent, from restore: RestoreIntent, of cluster: Cluster) async throws
    /// Removes what was kept for the restore, the former data too.
    func cleanUp(_ restore: RestoreIntent, of cluster: Cluster) async throws
}

/// What the carrying out of a restore's actions means for the cluster that is stored.
enum RestoreProgress {
    static func note(_ action: Action, in cluster: inout Cluster, now: Date) {
        switch action {
        case .restoreMember:
            // The snapshot may be older than what Slipway keeps in the cluster: it is put right again.
            cluster.status.isBootstrapped = false
        case .finishRestore(let restore) where cluster.spec.restore?.id == restore.id:
            end(restore, in: &cluster, RestoreRecord(intent: restore, finishedAt: now))
        case .abandonRestore(let restore, let reason) where cluster.spec.restore?.id == restore.id:
            end(restore, in: &cluster, RestoreRecord(intent: restore, finishedAt: now, error: reason))
        default: break
        }
    }

    private static func end(_ restore: RestoreIntent, in cluster: inout Cluster, _ record: RestoreRecord) {
        cluster.spec.restore = nil
        cluster.status.lastRestore = record
        // Whoever follows the cluster looks again: who may log in is published anew.
        cluster.metadata.generation += 1
    }
}
