import Foundation

/// That a cluster's data is to become what a snapshot holds. Part of the cluster's spec until it is done, so that whoever
/// leads continues it.
public struct RestoreIntent: Codable, Hashable, Sendable {
    /// Where the data comes from.
    public enum Source: Codable, Hashable, Sendable {
        case backup(BackupID, in: CellName)
    }

    public enum Kind: String, Codable, Sendable {
        /// The cluster's present data is given up.
        case inPlace
        /// A cluster that never served begins with the data of another.
        case newCluster
    }

    /// Never used again: volumes are marked with it once they are restored.
    public var id: String
    public var source: Source
    public var kind: Kind
    /// ARN.
    public var requestedBy: String
    public var requestedAt: Date
    /// Of the newest change in the snapshot, and when it was taken; nil while not known.
    public var revision: Int64?
    public var takenAt: Date?

    public init(
        id: String, source: Source, kind: Kind, requestedBy: String, requestedAt: Date, revision: Int64? = nil, takenAt: Date? = nil
    ) {
        self.id = id
        self.source = source
        self.kind = kind
        self.requestedBy = requestedBy
        self.requestedAt = requestedAt
        self.revision = revision
        self.takenAt = takenAt
    }

    /// For people: "backup demo.20261124T104512Z-3f2a".
    public var summary: String {
        switch source {
        case .backup(let id, _): "backup \(id)"
        }
    }
}

/// How a restore ended.
public struct RestoreRecord: Codable, Hashable, Sendable {
    public var intent: RestoreIntent
    public var finishedAt: Date
    /// Nil when it was done; else why not. Nothing was changed then.
    public var error: String?

    public init(intent: RestoreIntent, finishedAt: Date, error: String? = nil) {
        self.intent = intent
        self.finishedAt = finishedAt
        self.error = error
    }
}
