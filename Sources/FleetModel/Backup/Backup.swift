import Foundation

/// Names a backup: `CLUSTER.20261124T104512Z-3f2a`. A cluster's name has no dot, so the cluster can be read off it.
public struct BackupID: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let rawValue: String
    public let cluster: ClusterName

    /// - Parameter suffix: lower-case letters and digits that tell apart what was begun in the same second.
    public init(cluster: ClusterName, at date: Date, suffix: String) {
        let stamp = date.formatted(
            Date.VerbatimFormatStyle(
                format:
                    "\(year: .padded(4))\(month: .twoDigits)\(day: .twoDigits)T\(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased))\(minute: .twoDigits)\(second: .twoDigits)Z",
                locale: Locale(identifier: "en_US_POSIX"), timeZone: .gmt, calendar: Calendar(identifier: .gregorian)))
        self.cluster = cluster
        rawValue = "\(cluster).\(stamp)-\(suffix)"
    }

    /// - Throws: `FleetModelError` (`invalidName`).
    public init(_ text: String) throws {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let cluster = try? ClusterName(String(parts[0])), Self.isMoment(parts[1]) else {
            throw FleetModelError(
                .invalidName,
                "'\(text.prefix(160))' is not the ID of a backup, such as demo.20261124T104512Z-3f2a; `slipway backup list` shows them.")
        }
        self.cluster = cluster
        rawValue = text
    }

    private static func isMoment(_ text: Substring) -> Bool {
        let bytes = Array(text.utf8)
        guard bytes.count > 17, bytes.count <= 40, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z"),
            bytes[16] == UInt8(ascii: "-")
        else { return false }
        func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
        return bytes[..<8].allSatisfy(isDigit) && bytes[9..<15].allSatisfy(isDigit)
            && bytes[17...].allSatisfy { isDigit($0) || (97...122).contains($0) }
    }

    public var description: String { rawValue }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

extension BackupID: Codable {
    public init(from decoder: any Decoder) throws { try self.init(try decoder.singleValueContainer().decode(String.self)) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// One backup of one cluster's etcd: that it is wanted, how far it is, and what is known of it. Outlives its cluster.
public struct Backup: Codable, Hashable, Sendable {
    public enum Phase: String, Codable, Sendable {
        /// Wanted; nobody works on it just now.
        case pending = "Pending"
        case running = "Running"
        case complete = "Complete"
        /// Given up; `error` says why.
        case failed = "Failed"
    }

    public var id: BackupID
    public var cell: CellName
    /// Of the cluster that it was taken of.
    public var clusterUID: String
    /// ARN of who owns that cluster.
    public var ownerARN: String
    public var requestedAt: Date
    /// ARN, or `schedule`.
    public var requestedBy: String
    public var location: BackupLocation
    public var phase: Phase = .pending
    public var attempts = 0
    /// Of the last attempt.
    public var error: String?
    public var startedAt: Date?
    public var finishedAt: Date?
    /// Bytes of the snapshot that have come so far; the database's size is what to expect.
    public var bytes: Int64 = 0
    public var expectedBytes: Int64 = 0
    /// The cluster's when it was asked for: a new cluster from this backup is made like it.
    public var spec: ClusterSpec?
    /// Set when it is complete.
    public var facts: BackupFacts?
    public var verification: BackupVerification?
    public var deletionRequestedAt: Date?

    public static let schedule = "schedule"

    public init(
        id: BackupID, cell: CellName, clusterUID: String, ownerARN: String, requestedAt: Date, requestedBy: String, location: BackupLocation
    ) {
        self.id = id
        self.cell = cell
        self.clusterUID = clusterUID
        self.ownerARN = ownerARN
        self.requestedAt = requestedAt
        self.requestedBy = requestedBy
        self.location = location
    }

    public var isScheduled: Bool { requestedBy == Self.schedule }

    /// It was looked at and is not what it was: never restored.
    public var isDamaged: Bool { verification?.verdict == .damaged }

    /// Complete, and nothing bad is known of it.
    public var isUsable: Bool { phase == .complete && !isDamaged && deletionRequestedAt == nil }
}

/// What a backup holds. Kept with it, authenticated, and repeated in the region's store.
public struct BackupFacts: Codable, Hashable, Sendable {
    /// When the snapshot was taken.
    public var takenAt: Date
    /// The member that gave it.
    public var member: String
    /// Such as `3.5.16`.
    public var etcdVersion: String
    /// etcd's revision of the newest change in it.
    public var revision: Int64
    /// Keys that exist at that revision.
    public var keyCount: Int64
    /// etcd's `HashKV` up to that revision, and the compaction that it counts from.
    public var hash: UInt32
    public var hashCompactRevision: Int64
    /// etcd's own hash of the whole snapshot file (`snapshot status`), and the entries that it counts there.
    public var fileHash: UInt32
    public var fileEntries: Int64
    /// Bytes of the snapshot, and their SHA-256 in lower-case hexadecimal.
    public var size: Int64
    public var sha256: String
    /// Bytes as stored, sealed.
    public var storedSize: Int64

    public init(
        takenAt: Date, member: String, etcdVersion: String, revision: Int64, keyCount: Int64, hash: UInt32, hashCompactRevision: Int64,
        fileHash: UInt32, fileEntries: Int64, size: Int64, sha256: String, storedSize: Int64
    ) {
        self.takenAt = takenAt
        self.member = member
        self.etcdVersion = etcdVersion
        self.revision = revision
        self.keyCount = keyCount
        self.hash = hash
        self.hashCompactRevision = hashCompactRevision
        self.fileHash = fileHash
        self.fileEntries = fileEntries
        self.size = size
        self.sha256 = sha256
        self.storedSize = storedSize
    }
}

/// What came of really restoring a backup.
public struct BackupVerification: Codable, Hashable, Sendable {
    public enum Verdict: String, Codable, Sendable {
        case wanted = "Wanted"
        case running = "Running"
        /// Restored into an etcd of its own; revision, key count and hash are those that were written down.
        case good = "Good"
        /// It is not what was written: never restored.
        case damaged = "Damaged"
        /// Could not be found out, for a reason that is not the backup's.
        case unknown = "Unknown"
    }

    public var verdict: Verdict
    public var requestedAt: Date
    public var finishedAt: Date?
    /// For people: what was compared, or what is wrong and where.
    public var message: String

    public init(verdict: Verdict, requestedAt: Date, finishedAt: Date? = nil, message: String) {
        self.verdict = verdict
        self.requestedAt = requestedAt
        self.finishedAt = finishedAt
        self.message = message
    }

    public var isOpen: Bool { verdict == .wanted || verdict == .running }
}
