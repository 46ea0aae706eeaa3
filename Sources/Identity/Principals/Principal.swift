import FleetModel
import FleetStore
import Foundation

/// What a principal may do in the region. What it may do inside a cluster is said by the cluster's access entries.
public enum Role: String, Codable, CaseIterable, Sendable {
    /// Everything.
    case admin
    /// Everything but users and their keys.
    case `operator`
    /// Creates clusters and does everything with those, and sees no others.
    case owner
    /// Reads everything.
    case viewer
}

/// Somebody who may call the region's APIs.
public struct Principal: Codable, Hashable, Sendable, StoredResource {
    public var name: String
    /// `arn:aws:iam::ACCOUNT:user/NAME`
    public var arn: String
    /// `AIDA` and 17 letters and digits, never used again.
    public var userID: String
    public var role: Role
    public var createdAt: Date

    public init(name: String, arn: String, userID: String, role: Role, createdAt: Date) {
        self.name = name
        self.arn = arn
        self.userID = userID
        self.role = role
        self.createdAt = createdAt
    }

    public var storeKey: StoreKey { StoreKeys.principal(name) }

    public static func arn(name: String, accountID: String) -> String { "arn:aws:iam::\(accountID):user/\(name)" }

    /// IAM's rule for user names: 1 to 64 letters, digits and `+=,.@_-`.
    public static func isValid(name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "+=,.@_-".utf8.contains(byte)
                }
            }
    }
}

/// One access key of a principal, its secret sealed.
public struct AccessKey: Codable, Hashable, Sendable, StoredResource {
    /// `AKIA` and 16 letters and digits.
    public var id: String
    public var principal: String
    /// Of the principal: a key that outlived its principal is not inherited by who takes the name next.
    public var userID: String
    /// As `SecretSealing` sealed it, with `sealingContext`.
    public var sealedSecret: Data
    public var createdAt: Date

    public init(id: String, principal: String, userID: String, sealedSecret: Data, createdAt: Date) {
        self.id = id
        self.principal = principal
        self.userID = userID
        self.sealedSecret = sealedSecret
        self.createdAt = createdAt
    }

    public var storeKey: StoreKey { StoreKeys.accessKey(id) }

    /// What ties the sealed secret to its place: the store's key.
    var sealingContext: String { storeKey.rawValue }
}

/// Encryption at rest. What was sealed for one context does not open for another.
public protocol SecretSealing: Sendable {
    func seal(_ secret: [UInt8], context: String) throws -> [UInt8]
    func open(_ sealed: [UInt8], context: String) throws -> [UInt8]
}
