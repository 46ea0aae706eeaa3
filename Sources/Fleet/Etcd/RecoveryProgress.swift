import FleetModel
import Foundation
import Planning
import Substrate

/// What the carrying out of an action means for a recovery, and for what is known of the members' contents.
enum RecoveryProgress {
    static func note(_ action: Action, in cluster: inout Cluster, now: Date) {
        switch action {
        // Whatever it held is given up; what it will hold comes from the others.
        case .removeMember(let id): cluster.status.etcd?.forget(id.name)
        case .remakeMember(let intent):
            cluster.status.etcd?.forget(intent.id.name)
            // What Slipway keeps in the cluster may be among what is lost.
            cluster.status.isBootstrapped = false
        case .finishRecovery:
            guard let restore = cluster.spec.restore, case .volume = restore.source else { return }
            cluster.spec.restore = nil
            cluster.status.lastRestore = RestoreRecord(intent: restore, finishedAt: now)
            cluster.metadata.generation += 1
        default: break
        }
    }
}
