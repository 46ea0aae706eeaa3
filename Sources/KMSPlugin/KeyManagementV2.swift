import FleetModel
import Foundation
import GRPCCore
import KMSAPI
import Logging
import SwiftProtobuf

/// Version 2 of the interface: the API server derives its data keys from one seed, and asks seldom.
struct KeyManagementV2: V2_KeyManagementService.SimpleServiceProtocol {
    let envelope: KeyEnvelope
    /// `v2` or `v2beta1`.
    let statusVersion: String
    let logger: Logger

    func status(request: V2_StatusRequest, context: ServerContext) async throws -> V2_StatusResponse {
        .with {
            $0.version = statusVersion
            $0.healthz = "ok"
            $0.keyID = envelope.currentKeyID
        }
    }

    func encrypt(request: V2_EncryptRequest, context: ServerContext) async throws -> V2_EncryptResponse {
        let sealed = try logger.answering("encrypt \(request.uid)") { try envelope.seal(request.plaintext) }
        return .with {
            $0.ciphertext = sealed
            $0.keyID = envelope.currentKeyID
        }
    }

    func decrypt(request: V2_DecryptRequest, context: ServerContext) async throws -> V2_DecryptResponse {
        let plain = try logger.answering("decrypt \(request.uid)") {
            let id = try KeyEnvelope.keyID(of: request.ciphertext)
            guard request.keyID == id else {
                throw KMSPluginError("It was sealed with the key \(id), and not with \(request.keyID.prefix(300)) as is said.")
            }
            return try envelope.open(request.ciphertext)
        }
        return .with { $0.plaintext = plain }
    }
}
