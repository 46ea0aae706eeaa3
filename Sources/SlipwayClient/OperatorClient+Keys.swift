import FleetModel
import Foundation

extension OperatorClient {
    /// The keys that secrets can be encrypted with.
    public func encryptionKeys() async throws -> [KeyDescription] {
        let list: EncryptionKeyList = try await call("GET", "/encryption-keys")
        return list.keys
    }

    public func createEncryptionKey(_ request: EncryptionKeyRequest) async throws -> KeyDescription {
        try await call("POST", "/encryption-keys", request)
    }

    /// The key has its new version at once; clusters that use it follow.
    /// - Parameter id: the UUID that the key's ARN ends in.
    public func rotateEncryptionKey(_ id: String) async throws -> KeyDescription {
        try await call("POST", "/encryption-keys/\(Self.encoded(id))/rotate")
    }
}
