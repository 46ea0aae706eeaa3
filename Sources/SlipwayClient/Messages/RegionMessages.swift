import FleetModel
import Foundation

/// What a region says of itself.
public struct RegionDetail: Codable, Sendable {
    public var name: String
    public var zones: [String]
    public var accountID: String
    public var version: String
    public var substrate: String
    public var addressPool: String
    /// By cell: which replica leads it, nil when none does.
    public var leaders: [String: String?]

    public init(
        name: String, zones: [String], accountID: String, version: String, substrate: String, addressPool: String,
        leaders: [String: String?]
    ) {
        self.name = name
        self.zones = zones
        self.accountID = accountID
        self.version = version
        self.substrate = substrate
        self.addressPool = addressPool
        self.leaders = leaders
    }
}

public struct ReleaseList: Codable, Sendable {
    public var releases: [Release]
    public init(releases: [Release]) { self.releases = releases }
}

/// What the operator API and the store of a region know of what should exist.
public struct KnownClusters: Codable, Sendable {
    /// Names of all clusters that the store has, those being deleted included.
    public var names: [String]
    public init(names: [String]) { self.names = names }
}

/// The body of every answer that is not 2xx.
public struct OperatorErrorBody: Codable, Sendable {
    /// As in the EKS API: `ResourceNotFoundException`…
    public var code: String
    public var message: String

    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }
}
