import FleetModel
import Foundation

/// When a cluster's next backup is due, and what is to be said of its backups. Pure.
public struct BackupSchedulePlanner: Sendable {
    public var policy: BackupPolicy

    public init(policy: BackupPolicy) { self.policy = policy }

    public struct Decision: Hashable, Sendable {
        /// A backup is to be taken now.
        public var isDue: Bool
        /// When to look again.
        public var lookAgain: Date
        /// What the cluster's condition `BackupHealthy` is to say; nil: there is none.
        public var health: Health?
    }

    public struct Health: Hashable, Sendable {
        public var status: Condition.Status
        public var reason: String
        public var message: String
    }

    /// So long after a cluster became active its first backup is taken, in seconds; somewhat later for most.
    public static let firstAfter: Double = 300
    /// After a failed backup the next one is tried so much later, in seconds; twice as long after each further failure, up to
    /// the interval.
    public static let retryAfter: Double = 60

    /// - Parameter backups: of this cluster (its uid), in any order.
    public func decide(_ cluster: Cluster, _ backups: [Backup], now: Date) -> Decision {
        let known = backups.filter { $0.deletionRequestedAt == nil }.sorted { $0.requestedAt < $1.requestedAt }
        let health = health(known, now: now)
        let later = now.addingTimeInterval(min(policy.interval, 300))
        guard policy.isScheduled, cluster.metadata.deletionRequestedAt == nil, cluster.spec.restore == nil,
            let since = cluster.status.activeSince
        else { return Decision(isDue: false, lookAgain: later, health: health) }
        let scheduled = known.filter(\.isScheduled)
        guard !scheduled.contains(where: { $0.phase == .pending || $0.phase == .running }) else {
            return Decision(isDue: false, lookAgain: later, health: health)
        }
        let due = dueDate(scheduled, activeSince: since, spread: Self.spread(cluster.metadata.uid))
        return Decision(isDue: due <= now, lookAgain: due <= now ? later : due, health: health)
    }

    private func dueDate(_ scheduled: [Backup], activeSince: Date, spread: Double) -> Date {
        let failures = scheduled.reversed().prefix { $0.phase == .failed }
        if let last = failures.first {
            let delay = min(policy.interval, Self.retryAfter * pow(2, Double(min(failures.count, 20) - 1)))
            return (last.finishedAt ?? last.requestedAt).addingTimeInterval(delay)
        }
        guard let last = scheduled.last else {
            return activeSince.addingTimeInterval(min(policy.interval, Self.firstAfter) * (1 + spread))
        }
        // Up to a twentieth sooner or later, for each cluster another part: they do not all come at once.
        return last.requestedAt.addingTimeInterval(policy.interval * (0.95 + 0.1 * spread))
    }

    private func health(_ known: [Backup], now: Date) -> Health? {
        let ended = known.filter { $0.phase == .complete || $0.phase == .failed }
        if let damaged = known.last(where: { $0.phase == .complete }), damaged.isDamaged {
            return Health(status: .no, reason: "BackupDamaged", message: damaged.verification?.message ?? "backup \(damaged.id) is damaged")
        }
        if let last = ended.last, last.phase == .failed {
            let count = ended.reversed().prefix { $0.phase == .failed }.count
            let before = count > 1 ? "\(count) in a row, the last: " : ""
            return Health(
                status: .no, reason: "BackupFailed", message: "\(before)backup \(last.id) failed: \(last.error ?? "it was interrupted")")
        }
        guard let last = ended.last else {
            return policy.isScheduled ? Health(status: .unknown, reason: "NoBackupYet", message: "the first backup is still to come") : nil
        }
        if policy.isScheduled, now.timeIntervalSince(last.requestedAt) > 2 * policy.interval + 600 {
            return Health(status: .no, reason: "BackupOverdue", message: "the newest backup, \(last.id), is older than it should be")
        }
        return Health(status: .yes, reason: "BackedUp", message: "the last backup was taken and stored")
    }

    /// 0 to 1, the same for the same text: FNV-1a.
    static func spread(_ text: String) -> Double {
        let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        return Double(hash >> 11) / Double(1 << 53)
    }
}
