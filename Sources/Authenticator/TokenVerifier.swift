import FleetModel
import Foundation
import SignatureV4

/// Checks tokens of `aws eks get-token`, and says whom they stand for. Pure.
///
/// A token is `k8s-aws-v1.` and a presigned `sts:GetCallerIdentity` URL in base64url, whose signature also covers the header
/// `x-k8s-aws-id` with the cluster's name: a token for one cluster is no token for another. Rules as in
/// aws-iam-authenticator; the difference is that STS is not asked, for the signature is checked here with the day's key.
public struct TokenVerifier: Sendable {
    public var cluster: ClusterName
    public var region: String

    /// A token is good for this long after it was signed, in seconds (aws-iam-authenticator: 15 minutes).
    public static let lifetime: Double = 900
    static let prefix = "k8s-aws-v1."
    private static let longest = 16 << 10
    private static let parameters: Set<String> = [
        "action", "version", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signature",
        "x-amz-signedheaders",
    ]

    public init(cluster: ClusterName, region: String) {
        self.cluster = cluster
        self.region = region
    }

    /// - Returns: the signing key's owner.
    /// - Throws: `AuthenticatorError` with what is wrong; never with anything secret.
    public func verify(_ token: String, keys: SigningKeyPackage, now: Date) throws -> SigningKeyPackage.Key {
        let request = try request(token)
        do {
            let claim = try SignatureClaim(request)
            guard claim.expiry != nil, (claim.expiry ?? 0) <= Int(Self.lifetime) else {
                throw AuthenticatorError("the token's X-Amz-Expires must be at most \(Int(Self.lifetime)) seconds")
            }
            guard claim.signedHeaders.contains("x-k8s-aws-id") else {
                throw AuthenticatorError("the token does not sign the header x-k8s-aws-id")
            }
            guard now.timeIntervalSince(claim.timestamp.date) <= Self.lifetime else { throw AuthenticatorError("the token has expired") }
            try checkScope(claim, now: now)
            guard
                let key = keys.keys.first(where: {
                    $0.accessKeyID == claim.accessKeyID && $0.date == claim.scope.date && $0.region == claim.scope.region
                }), let bytes = Data(base64Encoded: key.keyBase64)
            else { throw AuthenticatorError("the token's access key is not known here for \(claim.scope.date)") }
            try claim.verify(with: SigningKey(scope: claim.scope, bytes: [UInt8](bytes)))
            return key
        } catch let error as SignatureError {
            throw AuthenticatorError(error.message)
        }
    }

    /// A token's URL lives 60 s as `aws` signs it, yet the token is good for 15 minutes: the URL's own expiry is not applied,
    /// as aws-iam-authenticator does not for a token in use.
    private func checkScope(_ claim: SignatureClaim, now: Date) throws {
        guard claim.scope.service == "sts", claim.scope.region == region, claim.scope.date == claim.timestamp.day else {
            throw AuthenticatorError("the token is signed for \(claim.scope), not for sts in \(region)")
        }
        guard claim.timestamp.date.timeIntervalSince(now) <= SignatureRules.allowedSkew else {
            throw AuthenticatorError("the token is signed in the future; check the clock")
        }
    }

    private func request(_ token: String) throws -> SignableRequest {
        guard token.hasPrefix(Self.prefix), token.utf8.count <= Self.longest else {
            throw AuthenticatorError("the token does not start with '\(Self.prefix)'")
        }
        var text = token.dropFirst(Self.prefix.count).replacing("-", with: "+").replacing("_", with: "/")
        text += String(repeating: "=", count: (4 - text.count % 4) % 4)
        guard let data = Data(base64Encoded: String(text)), let address = String(data: data, encoding: .utf8),
            let parts = URLComponents(string: address), let host = parts.host, parts.scheme == "https" || parts.scheme == "http"
        else { throw AuthenticatorError("the token holds no URL") }
        guard parts.path.isEmpty || parts.path == "/", parts.user == nil, parts.fragment == nil else {
            throw AuthenticatorError("the token's URL is not one of STS")
        }
        // `x-k8s-aws-id` is a header of the signed request and not part of the URL: it must be this cluster's.
        let port = parts.port.map { ":\($0)" } ?? ""
        let request = SignableRequest(
            method: "GET", path: "/", query: parts.percentEncodedQuery ?? "",
            headers: [("host", host + port), ("x-k8s-aws-id", cluster.rawValue)])
        var seen: Set<String> = []
        for (key, value) in request.queryPairs {
            let name = key.lowercased()
            guard Self.parameters.contains(name), seen.insert(name).inserted else {
                throw AuthenticatorError("the token's URL has a parameter that does not belong there: '\(key.prefix(40))'")
            }
            if name == "action", value != "GetCallerIdentity" { throw AuthenticatorError("the token's action is not GetCallerIdentity") }
        }
        guard seen.contains("action") else { throw AuthenticatorError("the token's action is not GetCallerIdentity") }
        return request
    }
}
