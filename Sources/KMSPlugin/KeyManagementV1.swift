import FleetModel
import Foundation
import GRPCCore
import KMSAPI
import Logging
import SwiftProtobuf

/// Version 1 of the interface: one call for each new or unknown data key.
struct KeyManagementV1: V1beta1_KeyManagementService.SimpleServiceProtocol {
    let envelope: KeyEnvelope
    let logger: Logger

    func version(request: V1beta1_VersionRequest, context: ServerContext) async throws -> V1beta1_VersionResponse {
        .with {
            $0.version = "v1beta1"
            $0.runtimeName = "slipway"
            $0.runtimeVersion = "1"
        }
    }

    func encrypt(request: V1beta1_EncryptRequest, context: ServerContext) async throws -> V1beta1_EncryptResponse {
        let sealed = try logger.answering("encrypt") { try envelope.seal(request.plain) }
        return .with { $0.cipher = sealed }
    }

    func decrypt(request: V1beta1_DecryptRequest, context: ServerContext) async throws -> V1beta1_DecryptResponse {
        let plain = try logger.answering("decrypt") { try envelope.open(request.cipher) }
        return .with { $0.plain = plain }
    }
}

extension Logger {
    /// - Throws: `RPCError` for any other, which is logged.
    func answering<Value>(_ call: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            warning("refused", metadata: ["call": "\(call)", "reason": "\(error)"])
            throw RPCError(code: .failedPrecondition, message: "\(error)")
        }
    }
}
