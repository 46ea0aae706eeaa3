import Foundation

/// One change to one cluster, in the words of the EKS API (`Update`).
public struct ClusterUpdate: Codable, Hashable, Sendable {
    public enum Status: String, Codable, Sendable {
        case inProgress = "InProgress", failed = "Failed", cancelled = "Cancelled", successful = "Successful"
    }

    /// `errorCode` is one of the model's `ErrorCode`.
    public struct Failure: Codable, Hashable, Sendable {
        public var errorCode: String
        public var errorMessage: String
        public var resourceIDs: [String]

        public init(errorCode: String, errorMessage: String, resourceIDs: [String] = []) {
            self.errorCode = errorCode
            self.errorMessage = errorMessage
            self.resourceIDs = resourceIDs
        }
    }

    /// A UUID.
    public var id: String
    public var cluster: ClusterName
    public var cell: CellName
    public var status: Status
    /// The model's `UpdateType`: `VersionUpdate`, `LoggingUpdate`, …
    public var type: String
    /// By the names of the model's `UpdateParamType`.
    public var parameters: [String: String]
    public var createdAt: Date
    public var errors: [Failure]
    /// The caller's `clientRequestToken`.
    public var token: String?
    /// Of the request without its token: tells a repeated request from another with the same token.
    public var requestDigest: String?
    /// ARN of who asked.
    public var requestedBy: String?
    /// Who cancelled it, for people; nil: nobody.
    public var cancellation: String?
    /// Set when it is no longer in progress.
    public var finishedAt: Date?

    public init(
        id: String, cluster: ClusterName, cell: CellName, status: Status, type: String, parameters: [String: String], createdAt: Date,
        errors: [Failure] = []
    ) {
        self.id = id
        self.cluster = cluster
        self.cell = cell
        self.status = status
        self.type = type
        self.parameters = parameters
        self.createdAt = createdAt
        self.errors = errors
    }
}
