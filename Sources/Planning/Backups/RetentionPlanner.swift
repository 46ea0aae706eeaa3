import FleetModel
import Foundation

/// Which backups have served their time. Pure.
///
/// Only what the schedule made is ever given up: the newest `keepLast` stay, the newest of each of the last `keepDays` days
/// (UTC), and the newest usable one in any case. A damaged one does not count as kept, and stays as evidence for as long as
/// the days go. Of a cluster that is gone the days count alone. What somebody asked for stays until somebody deletes it.
public struct RetentionPlanner: Sendable {
    public var policy: BackupPolicy
    /// Records of failed backups that are kept.
    public static let failuresKept = 5

    public init(policy: BackupPolicy) { self.policy = policy }

    /// - Parameters:
    ///   - backups: of one cluster (its uid), in any order.
    ///   - isClusterGone: nothing new comes.
    public func expired(_ backups: [Backup], isClusterGone: Bool, now: Date) -> [BackupID] {
        let scheduled = backups.filter { $0.isScheduled && $0.deletionRequestedAt == nil && $0.verification?.isOpen != true }
            .sorted { $0.requestedAt > $1.requestedAt }
        let usable = scheduled.filter(\.isUsable)
        var kept = Set<BackupID>()
        if !isClusterGone {
            kept.formUnion(usable.prefix(policy.keepLast).map(\.id))
            if let newest = usable.first { kept.insert(newest.id) }
        }
        var days = Set<Int>()
        for backup in usable {
            let age = day(now) - day(backup.requestedAt)
            if age < policy.keepDays, days.insert(age).inserted { kept.insert(backup.id) }
        }
        for damaged in scheduled where damaged.phase == .complete && damaged.isDamaged {
            if now.timeIntervalSince(damaged.requestedAt) < Double(policy.keepDays) * 86_400 { kept.insert(damaged.id) }
        }
        let failed = scheduled.filter { $0.phase == .failed }
        kept.formUnion(failed.prefix(isClusterGone ? 0 : Self.failuresKept).map(\.id))
        return scheduled.filter { ($0.phase == .complete || $0.phase == .failed) && !kept.contains($0.id) }.map(\.id)
    }

    private func day(_ date: Date) -> Int { Int((date.timeIntervalSince1970 / 86_400).rounded(.down)) }
}
