import FleetModel
import Foundation

/// Everything that may be seen of a backup; no secrets.
public struct BackupDetail: Codable, Hashable, Sendable {
    public var id: String
    public var cluster: String
    public var clusterUID: String
    /// `Pending`, `Running`, `Complete` or `Failed`.
    public var phase: String
    public var requestedAt: Date
    /// ARN, or `schedule`.
    public var requestedBy: String
    public var location: String
    public var attempts: Int
    public var error: String?
    public var startedAt: Date?
    public var finishedAt: Date?
    public var bytes: Int64
    public var expectedBytes: Int64
    public var facts: BackupFacts?
    public var verification: BackupVerification?
    public var deletionRequestedAt: Date?

    public init(_ backup: Backup) {
        id = backup.id.rawValue
        cluster = backup.id.cluster.rawValue
        clusterUID = backup.clusterUID
        phase = backup.phase.rawValue
        requestedAt = backup.requestedAt
        requestedBy = backup.requestedBy
        location = backup.location.summary
        attempts = backup.attempts
        error = backup.error
        startedAt = backup.startedAt
        finishedAt = backup.finishedAt
        bytes = backup.bytes
        expectedBytes = backup.expectedBytes
        facts = backup.facts
        verification = backup.verification
        deletionRequestedAt = backup.deletionRequestedAt
    }
}

public struct BackupList: Codable, Sendable {
    public var backups: [BackupDetail]
    public init(backups: [BackupDetail]) { self.backups = backups }
}

/// What to do with a backup: exactly one of both.
public struct RestoreRequest: Codable, Hashable, Sendable {
    /// The name of the backup's cluster, said again: its present data is given up.
    public var inPlace: String?
    /// The name of a new cluster.
    public var asNew: String?

    public init(inPlace: String? = nil, asNew: String? = nil) {
        self.inPlace = inPlace
        self.asNew = asNew
    }
}

/// What a restore in place would give up.
public struct RestoreLossDetail: Codable, Hashable, Sendable {
    public var cluster: String
    public var backup: String
    public var takenAt: Date
    public var backupRevision: Int64
    /// Nil when the cluster's etcd does not answer.
    public var presentRevision: Int64?
    /// Changes since the backup; nil when not known.
    public var lostChanges: Int64?

    public init(cluster: String, backup: String, takenAt: Date, backupRevision: Int64, presentRevision: Int64?) {
        self.cluster = cluster
        self.backup = backup
        self.takenAt = takenAt
        self.backupRevision = backupRevision
        self.presentRevision = presentRevision
        lostChanges = presentRevision.map { max(0, $0 - backupRevision) }
    }
}

/// How a region backs up; no secrets.
public struct BackupPolicyDetail: Codable, Hashable, Sendable {
    public var isScheduled: Bool
    /// Seconds.
    public var interval: Double
    public var keepLast: Int
    public var keepDays: Int
    /// Set for a directory.
    public var directory: String?
    public var s3: S3?

    public struct S3: Codable, Hashable, Sendable {
        public var endpoint: String?
        public var region: String
        public var bucket: String
        public var prefix: String
        public var accessKeyID: String
        /// Only ever sent to the region.
        public var secretAccessKey: String?

        public init(
            endpoint: String?, region: String, bucket: String, prefix: String, accessKeyID: String, secretAccessKey: String? = nil
        ) {
            self.endpoint = endpoint
            self.region = region
            self.bucket = bucket
            self.prefix = prefix
            self.accessKeyID = accessKeyID
            self.secretAccessKey = secretAccessKey
        }
    }

    public init(_ policy: BackupPolicy) {
        isScheduled = policy.isScheduled
        interval = policy.interval
        keepLast = policy.keepLast
        keepDays = policy.keepDays
        switch policy.location {
        case .directory(let path): directory = path
        case .s3(let place):
            s3 = S3(
                endpoint: place.endpoint, region: place.region, bucket: place.bucket, prefix: place.prefix, accessKeyID: place.accessKeyID)
        }
    }
}

/// A change of the policy: what is nil stays.
public struct BackupPolicyRequest: Codable, Hashable, Sendable {
    public var isScheduled: Bool?
    public var interval: Double?
    public var keepLast: Int?
    public var keepDays: Int?
    public var directory: String?
    public var s3: BackupPolicyDetail.S3?

    public init() {}
}
