import FleetModel
import Foundation

public struct EncryptionKeyRequest: Codable, Hashable, Sendable {
    /// For people.
    public var description: String?

    public init(description: String? = nil) { self.description = description }
}

public struct EncryptionKeyList: Codable, Hashable, Sendable {
    public var keys: [KeyDescription]
    public init(keys: [KeyDescription]) { self.keys = keys }
}

/// How a cluster's secrets are encrypted.
public struct EncryptionDetail: Codable, Hashable, Sendable {
    public var keyARN: String
    public var keyVersion: Int
    /// `readable`, `writable`, `rewriting`, `compacting`, `defragmenting`, `retiring`, `settled`.
    public var phase: String
    /// For people.
    public var summary: String
    /// The update that is under way; nil: none.
    public var updateID: String?

    public init(_ intent: EncryptionIntent) {
        keyARN = intent.keyARN
        keyVersion = intent.target.keyVersion
        phase = intent.phase.name
        summary = intent.phase.summary
        updateID = intent.updateID
    }
}
