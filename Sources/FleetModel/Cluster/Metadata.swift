import Foundation

/// What every stored resource carries.
public struct Metadata: Codable, Hashable, Sendable {
    /// Never used again, also when a new resource takes the name.
    public var uid: String
    /// Counts changes of the spec, from 1.
    public var generation: Int64
    public var createdAt: Date
    /// Set when deletion was asked for; the resource goes when everything that belongs to it is gone.
    public var deletionRequestedAt: Date?

    public init(uid: String, generation: Int64 = 1, createdAt: Date, deletionRequestedAt: Date? = nil) {
        self.uid = uid
        self.generation = generation
        self.createdAt = createdAt
        self.deletionRequestedAt = deletionRequestedAt
    }
}

/// One aspect of a resource's state: `Available`, `Progressing`, `Degraded`, `BackupHealthy`.
public struct Condition: Codable, Hashable, Sendable {
    public enum Kind: String, Codable, Sendable {
        case available = "Available", progressing = "Progressing", degraded = "Degraded"
        /// The newest scheduled backup is not too old, and none is known to be damaged.
        case backupHealthy = "BackupHealthy"
        /// No alarm stands, and all members answer.
        case etcdHealthy = "EtcdHealthy"
        /// All members hold the same content.
        case etcdConsistent = "EtcdConsistent"
        /// No certificate of a running instance ends in the coming weeks.
        case certificatesValid = "CertificatesValid"
        /// Said while something keeps a cluster's secrets from being encrypted.
        case secretsEncrypted = "SecretsEncrypted"
    }
    public enum Status: String, Codable, Sendable { case yes = "True", no = "False", unknown = "Unknown" }

    public var kind: Kind
    public var status: Status
    /// One CamelCase word.
    public var reason: String
    /// For people.
    public var message: String
    public var since: Date

    public init(kind: Kind, status: Status, reason: String, message: String, since: Date) {
        self.kind = kind
        self.status = status
        self.reason = reason
        self.message = message
        self.since = since
    }
}
