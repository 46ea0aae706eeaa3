import ClusterService
import FleetModel
import FleetStore
import Foundation
import Identity
import SignatureV4

/// An error as the API says it.
struct APIFailure: Error, Sendable {
    /// HTTP.
    var status: Int
    /// As the service model names it: `InvalidParameterException`.
    var code: String
    var message: String
    var clusterName: String?

    init(_ status: Int, _ code: String, _ message: String, clusterName: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.clusterName = clusterName
    }

    static func invalidParameter(_ message: String) -> APIFailure { APIFailure(400, "InvalidParameterException", message) }

    static let bodyTooLarge = APIFailure(
        413, "RequestEntityTooLargeException", "The request's body is larger than \(EKSAPI.bodyLimit) bytes.")

    static func unknownOperation(_ method: String, _ path: String) -> APIFailure {
        APIFailure(404, "UnknownOperationException", "There is no operation \(method) \(path.prefix(200)).")
    }

    /// What to tell about an error of the layers below; nil for one that is Slipway's own fault.
    init?(_ error: any Error) {
        switch error {
        case let failure as APIFailure: self = failure
        case let error as ClusterServiceError: self.init(error)
        case let error as AccessDenied: self.init(403, "AccessDeniedException", "\(error)")
        case let error as SignatureError: self.init(error.status, error.jsonCode, error.message)
        case let error as DecodingError: self.init(400, "SerializationException", Self.describe(error))
        case let error as StoreError where error.code == .unavailable || error.code == .noSpace:
            self.init(503, "ServiceUnavailableException", "The region's store does not answer; try again.")
        case let error as IdentityError where error.code == .sealed:
            self.init(503, "ServiceUnavailableException", error.message)
        case is CancellationError: self.init(503, "ServiceUnavailableException", "The service is stopping; try again.")
        default: return nil
        }
    }

    static let internalFailure = APIFailure(500, "ServerException", "Something went wrong inside; the service's log says what.")

    /// Tag operations have exceptions of their own.
    var forTags: APIFailure {
        var failure = self
        if code == "InvalidParameterException" { failure.code = "BadRequestException" }
        if code == "ResourceNotFoundException" { failure.code = "NotFoundException" }
        failure.clusterName = nil
        return failure
    }

    private init(_ error: ClusterServiceError) {
        let (status, code): (Int, String) =
            switch error.code {
            case .invalidParameter: (400, "InvalidParameterException")
            case .invalidRequest: (400, "InvalidRequestException")
            case .notFound: (404, "ResourceNotFoundException")
            case .inUse: (409, "ResourceInUseException")
            case .limitExceeded: (400, "ResourceLimitExceededException")
            case .busy: (503, "ServiceUnavailableException")
            }
        self.init(status, code, error.message, clusterName: error.cluster)
    }

    private static func describe(_ error: DecodingError) -> String {
        func path(_ context: DecodingError.Context) -> String {
            context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        }
        switch error {
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            let place = path(context)
            return place.isEmpty
                ? "The body must be a JSON object." : "The member '\(place.prefix(100))' must be of the type \(name(type))."
        case .keyNotFound(let key, _): return "The member '\(key.stringValue)' is required."
        case .dataCorrupted: return "The body is not JSON."
        @unknown default: return "The body cannot be read."
        }
    }

    private static func name(_ type: any Any.Type) -> String {
        switch "\(type)" {
        case "String": "string"
        case "Bool": "boolean"
        case "Int": "integer"
        case let text where text.hasPrefix("Array"): "list"
        default: "structure"
        }
    }
}
