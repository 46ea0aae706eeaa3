/// Why a request's signature was not accepted.
public struct SignatureError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable, CaseIterable {
        /// The request carries no signature.
        case missingToken
        /// The signature's parts are missing or malformed.
        case incomplete
        /// Nobody has this access key.
        case unknownKey
        /// The signature is not the one that the key gives for this request.
        case mismatch
        /// Too old, or from the future.
        case expired
        /// For another day, region or service.
        case wrongScope
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    /// The HTTP status that AWS answers with.
    public var status: Int { code == .incomplete ? 400 : 403 }

    /// The error code of services that speak JSON, such as EKS.
    public var jsonCode: String {
        switch code {
        case .missingToken: "MissingAuthenticationTokenException"
        case .incomplete: "IncompleteSignatureException"
        case .unknownKey: "UnrecognizedClientException"
        case .mismatch, .expired, .wrongScope: "InvalidSignatureException"
        }
    }

    /// The error code of services that speak XML, such as STS.
    public var xmlCode: String {
        switch code {
        case .missingToken: "MissingAuthenticationToken"
        case .incomplete: "IncompleteSignature"
        case .unknownKey: "InvalidClientTokenId"
        case .mismatch, .expired, .wrongScope: "SignatureDoesNotMatch"
        }
    }

    public static let missing = SignatureError(.missingToken, "Missing Authentication Token")
    public static let unknownKey = SignatureError(.unknownKey, "The security token included in the request is invalid.")
    public static let mismatch = SignatureError(
        .mismatch,
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )
}
