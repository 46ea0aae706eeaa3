import Controller
import FleetModel
import FleetStore
import Foundation
import Logging
import Planning
import Timing

/// Wants the backups of one cluster when they are due, lets go of those that have served their time, and says on the cluster how
/// its backups are.
struct BackupScheduler: Reconciler {
    let kind = "backup-schedule"
    let settings: BackupSettings
    let store: any FleetStore
    let time: TimeSource
    let logger: Logger
    let suffix: @Sendable () -> String

    func reconcile(_ name: ClusterName) async throws -> Outcome {
        let policy = try await store.backupPolicy(or: settings.defaultPolicy)
        let backups = try await store.list(Backup.self, prefix: StoreKeys.backups(of: name, in: settings.cell)).items.map(\.value)
        let stored = try await store.get(Cluster.self, StoreKeys.cluster(name, in: settings.cell))
        let uid = stored?.value.metadata.uid
        for (owner, theirs) in Dictionary(grouping: backups, by: \.clusterUID) {
            let expired = RetentionPlanner(policy: policy).expired(theirs, isClusterGone: owner != uid, now: time.now)
            for id in expired { try await letGo(id) }
        }
        guard let stored else { return backups.isEmpty ? .absent : .waiting("retention", recheck: .seconds(600)) }
        let own = backups.filter { $0.clusterUID == uid }
        let decision = BackupSchedulePlanner(policy: policy).decide(stored.value, own, now: time.now)
        try await say(decision.health, of: stored)
        if decision.isDue { try await want(stored, policy) }
        let seconds = max(1, decision.lookAgain.timeIntervalSince(time.now))
        return .waiting("the next backup", recheck: .seconds(min(seconds, 600)))
    }

    private func letGo(_ id: BackupID) async throws {
        let now = time.now
        _ = try await store.update(Backup.self, StoreKeys.backup(id, in: settings.cell)) { current in
            guard current.deletionRequestedAt == nil else { return nil }
            var new = current
            new.deletionRequestedAt = now
            return new
        }
    }

    private func want(_ stored: Stored<Cluster>, _ policy: BackupPolicy) async throws {
        let cluster = stored.value
        var backup = Backup(
            id: BackupID(cluster: cluster.name, at: time.now, suffix: suffix()), cell: cluster.cell, clusterUID: cluster.metadata.uid,
            ownerARN: cluster.spec.settings.creatorARN, requestedAt: time.now, requestedBy: Backup.schedule, location: policy.location)
        backup.spec = cluster.spec
        do {
            try await store.create(backup)
        } catch let error as StoreError where error.code == .conflict {
            // The same second and suffix: the next look makes another.
        }
    }

    private func say(_ health: BackupSchedulePlanner.Health?, of stored: Stored<Cluster>) async throws {
        let now = time.now
        let uid = stored.value.metadata.uid
        _ = try await store.update(stored) { current in
            guard current.metadata.uid == uid else { return nil }
            let old = current.status.conditions.first { $0.kind == .backupHealthy }
            if old?.status == health?.status, old?.reason == health?.reason, old?.message == health?.message { return nil }
            var new = current
            new.status.conditions.removeAll { $0.kind == .backupHealthy }
            if let health {
                new.status.conditions.append(
                    Condition(
                        kind: .backupHealthy, status: health.status, reason: health.reason, message: health.message,
                        since: old?.status == health.status ? old?.since ?? now : now))
            }
            return new
        }
    }
}
