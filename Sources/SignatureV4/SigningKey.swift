import Crypto

/// An access key: its id, and the secret that only its owner and Slipway know.
public struct Credential: Hashable, Sendable {
    public var accessKeyID: String
    public var secretAccessKey: String

    public init(accessKeyID: String, secretAccessKey: String) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
    }

    /// - Parameter date: `yyyyMMdd` in UTC.
    public func signingKey(date: String, region: String, service: String) -> SigningKey {
        var key = Array("AWS4\(secretAccessKey)".utf8)
        for part in [date, region, service, CredentialScope.terminator] { key = SigningKey.hmac(part, key: key) }
        return SigningKey(scope: CredentialScope(date: date, region: region, service: service), bytes: key)
    }
}

/// What a signature is good for: one day, one region, one service.
public struct CredentialScope: Hashable, Sendable, CustomStringConvertible {
    /// `yyyyMMdd`, UTC.
    public var date: String
    public var region: String
    public var service: String

    static let terminator = "aws4_request"

    public init(date: String, region: String, service: String) {
        self.date = date
        self.region = region
        self.service = service
    }

    public var description: String { "\(date)/\(region)/\(service)/\(Self.terminator)" }
}

/// A key that is derived from a secret for one scope; the secret cannot be found from it.
public struct SigningKey: Hashable, Sendable {
    public var scope: CredentialScope
    /// 32 bytes.
    public var bytes: [UInt8]

    public init(scope: CredentialScope, bytes: [UInt8]) {
        self.scope = scope
        self.bytes = bytes
    }

    /// The signature of a canonical request: lower-case hexadecimal.
    /// - Parameter timestamp: `yyyyMMdd'T'HHmmss'Z'`.
    public func signature(of request: CanonicalRequest, timestamp: String) -> String {
        Hexadecimal.encode(Self.hmac(stringToSign(request, timestamp: timestamp), key: bytes))
    }

    /// AWS: "Create a string to sign".
    public func stringToSign(_ request: CanonicalRequest, timestamp: String) -> String {
        [SignatureRules.algorithm, timestamp, scope.description, request.hash].joined(separator: "\n")
    }

    static func hmac(_ text: String, key: [UInt8]) -> [UInt8] {
        Array(HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: key)))
    }
}

/// Names of AWS Signature Version 4.
public enum SignatureRules {
    public static let algorithm = "AWS4-HMAC-SHA256"
    /// How far the clocks of both sides may be apart, in seconds (AWS: 5 minutes).
    public static let allowedSkew: Double = 300
    /// The longest life of a presigned URL in seconds (AWS: 7 days).
    public static let maximumExpiry = 604_800
}
