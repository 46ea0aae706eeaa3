import FleetModel
import Foundation

/// One update of a cluster.
public struct UpdateDetail: Codable, Hashable, Sendable {
    public var id: String
    public var cluster: String
    /// `InProgress`, `Successful`, `Failed`, `Cancelled`: the EKS API's words.
    public var status: String
    /// `VersionUpdate`, `LoggingUpdate`, …
    public var type: String
    public var parameters: [String: String]
    public var createdAt: Date
    public var finishedAt: Date?
    public var requestedBy: String?
    public var errors: [ClusterUpdate.Failure]
    /// Of one that goes back and has not ended: why.
    public var reversal: String?
    /// Of one that has not ended: what it waits for.
    public var waits: [Wait]?

    /// - Parameter seen: its cluster as it is now; for one that may not have ended.
    public init(_ update: ClusterUpdate, of seen: Cluster? = nil) {
        if let seen, update.status == .inProgress, [seen.spec.update?.id, seen.spec.encryption?.updateID].contains(update.id) {
            reversal = seen.spec.update?.reversal?.reason
            waits = seen.status.waits
        }
        id = update.id
        cluster = update.cluster.rawValue
        status = update.status.rawValue
        type = update.type
        parameters = update.parameters
        createdAt = update.createdAt
        finishedAt = update.finishedAt
        requestedBy = update.requestedBy
        errors = update.errors
    }
}

public struct UpdateList: Codable, Sendable {
    public var updates: [UpdateDetail]
    public init(updates: [UpdateDetail]) { self.updates = updates }
}

/// What a cluster is to run.
public struct UpdateRequest: Codable, Hashable, Sendable {
    /// A Kubernetes minor such as `1.33`: to its newest release.
    public var version: String?
    public var release: String?
    /// The programs of the running instances are exchanged, without new instances.
    public var isInPlace: Bool
    /// API servers first, and etcd's members when those are through. Nil: at the same time.
    public var isSequential: Bool?

    public init(version: String? = nil, release: String? = nil, isInPlace: Bool = false, isSequential: Bool? = nil) {
        self.isSequential = isSequential
        self.version = version
        self.release = release
        self.isInPlace = isInPlace
    }
}

/// The update that is under way, as the cluster's watch tells of it.
public struct UpdateProgress: Codable, Hashable, Sendable {
    public var id: String
    public var strategy: String
    public var startedAt: Date
    public var previousRelease: String
    /// Why it goes back; nil: it goes on.
    public var reversal: UpdateIntent.Reversal?

    public init(_ update: UpdateIntent) {
        id = update.id
        strategy = update.strategy.rawValue
        startedAt = update.startedAt
        previousRelease = update.previous.release.rawValue
        reversal = update.reversal
    }
}
