import FleetModel
import Hummingbird
import Identity
import SlipwayClient

extension OperatorAPI {
    /// Keys that secrets are encrypted with, which concern more than one cluster.
    func performOnKeys(_ operation: Operation, body: [UInt8], by principal: Principal) async throws -> Response {
        if operation == .listEncryptionKeys { try allow(principal, .list, operation) } else { try allow(principal, .operate, operation) }
        guard let keys else { throw OperatorError(400, "InvalidRequestException", "This region's clusters have no secrets to encrypt.") }
        switch operation {
        case .createEncryptionKey:
            let wanted = try Self.decode(EncryptionKeyRequest.self, body)
            return Self.json(try await keys.create(description: wanted.description ?? ""), status: .created)
        case .rotateEncryptionKey(let id): return Self.json(try await keys.rotate(id))
        default: return Self.json(EncryptionKeyList(keys: try await keys.keys()))
        }
    }
}
