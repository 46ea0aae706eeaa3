import ClusterService
import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import NIOCore
import SignatureV4
import Substrate

/// An answer that is not 2xx. Codes are the EKS API's where it has one.
public struct OperatorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// HTTP status.
    public var status: Int
    public var code: String
    public var message: String

    public init(_ status: Int, _ code: String, _ message: String) {
        self.status = status
        self.code = code
        self.message = message
    }

    public var description: String { "\(code): \(message)" }

    static func notFound(_ what: String) -> OperatorError { OperatorError(404, "ResourceNotFoundException", what) }

    /// What a client is told of any error; nil when the error is nobody's but ours, and belongs into the log.
    static func answer(to error: any Error) -> OperatorError? {
        switch error {
        case let error as OperatorError: error
        case let error as SignatureError: OperatorError(error.status, error.jsonCode, error.message)
        case let error as AccessDenied: OperatorError(403, "AccessDeniedException", error.description)
        case let error as IdentityError: identityAnswer(error)
        case let error as ClusterServiceError: clusterAnswer(error)
        case let error as SubstrateError: substrateAnswer(error)
        case let error as KeyServiceError: keyAnswer(error)
        case let error as FleetModelError:
            error.code == .capacity
                ? OperatorError(400, "ResourceLimitExceededException", error.message)
                : OperatorError(400, "InvalidParameterException", error.message)
        case let error as StoreError where error.code == .unavailable:
            OperatorError(503, "ServiceUnavailableException", "The region's store does not answer; try again in a moment.")
        case let error as StoreError where error.code == .conflict:
            OperatorError(409, "ResourceInUseException", "It was changed at the same moment; try again.")
        case let error as DecodingError: OperatorError(400, "SerializationException", "The body is not what is wanted: \(text(error))")
        case is NIOTooManyBytesError:
            OperatorError(413, "RequestEntityTooLargeException", "The body has more than \(OperatorAPI.bodyLimit) bytes.")
        default: nil
        }
    }

    // Not overloads of `answer(to:)`: among those the compiler takes the one for any error, which then calls itself forever.
    private static func identityAnswer(_ error: IdentityError) -> OperatorError? {
        switch error.code {
        case .invalidName: OperatorError(400, "InvalidParameterException", error.message)
        case .exists: OperatorError(409, "ResourceInUseException", error.message)
        case .notFound: notFound(error.message)
        case .limit: OperatorError(400, "ResourceLimitExceededException", error.message)
        case .unavailable: OperatorError(503, "ServiceUnavailableException", error.message)
        // It names a key, which is nobody's business; the log has it all.
        case .sealed:
            OperatorError(
                500, "ServerException",
                "The region's secret key file does not open what its store holds; its operator must restore the file that belongs to it.")
        }
    }

    private static func clusterAnswer(_ error: ClusterServiceError) -> OperatorError {
        switch error.code {
        case .invalidParameter: OperatorError(400, "InvalidParameterException", error.message)
        case .invalidRequest: OperatorError(400, "InvalidRequestException", error.message)
        case .notFound: notFound(error.message)
        case .inUse: OperatorError(409, "ResourceInUseException", error.message)
        case .limitExceeded: OperatorError(400, "ResourceLimitExceededException", error.message)
        case .busy: OperatorError(503, "ServiceUnavailableException", error.message)
        }
    }

    private static func keyAnswer(_ error: KeyServiceError) -> OperatorError? {
        switch error.code {
        case .notFound: notFound(error.message)
        case .invalid: OperatorError(400, "InvalidParameterException", error.message)
        case .sealed: OperatorError(500, "ServerException", error.message)
        }
    }

    private static func substrateAnswer(_ error: SubstrateError) -> OperatorError {
        switch error.code {
        case .invalid: OperatorError(400, "InvalidParameterException", error.message)
        case .conflict: OperatorError(409, "ResourceInUseException", error.message)
        case .unavailable: OperatorError(503, "ServiceUnavailableException", error.message)
        default: OperatorError(500, "ServerException", error.description)
        }
    }

    private static func text(_ error: DecodingError) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context), .dataCorrupted(let context):
            let path = context.codingPath.map(\.stringValue).joined(separator: ".")
            return path.isEmpty ? context.debugDescription : "'\(path)': \(context.debugDescription)"
        @unknown default: return "it cannot be read."
        }
    }
}
