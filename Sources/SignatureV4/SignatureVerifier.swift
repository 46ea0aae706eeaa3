import Foundation

/// Checks signed requests to one service of one region.
public struct SignatureVerifier: Sendable {
    public var region: String
    public var service: String

    public init(region: String, service: String) {
        self.region = region
        self.service = service
    }

    /// - Parameter key: the signing key of an access key for a scope, or nil when nobody has that access key.
    /// - Returns: what the request claims; all of it is true.
    /// - Throws: `SignatureError`, and whatever `key` throws.
    public func verify(
        _ request: SignableRequest, now: Date, key: (_ accessKeyID: String, _ scope: CredentialScope) async throws -> SigningKey?
    ) async throws -> SignatureClaim {
        let claim = try SignatureClaim(request)
        try claim.check(region: region, service: service, now: now)
        guard let key = try await key(claim.accessKeyID, claim.scope) else { throw SignatureError.unknownKey }
        try claim.verify(with: key)
        return claim
    }
}
