/// Why a call of the operator API did not succeed.
public struct OperatorClientError: Error, Sendable, CustomStringConvertible {
    /// `unreachable` when nothing answered; else what the region said: `ResourceNotFoundException`…
    public var code: String
    public var message: String
    /// HTTP status; nil when nothing answered.
    public var status: Int?
    public var cause: (any Error)?

    public static let unreachable = "unreachable"

    public init(code: String, message: String, status: Int? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.status = status
        self.cause = cause
    }

    /// The region understood the request and refuses it: doing it again does not help.
    public var isRefusal: Bool { status.map { (400..<500).contains($0) && $0 != 429 } ?? false }

    /// The service is down, or its store is: doing it again later may help.
    public var isUnavailable: Bool { status == nil || status == 503 }

    /// What to do about it, where that is known.
    public var advice: String? {
        switch code {
        case Self.unreachable:
            "Is the region running? `slipway dev up --detach` starts it; its log: log/server/current in its data directory."
        case "UnrecognizedClientException", "InvalidSignatureException", "InvalidClientTokenId":
            "The access key is not one of this region, or its secret is wrong."
        default: nil
        }
    }

    public var description: String { status == nil ? message : "\(message) (\(code))" }
}
