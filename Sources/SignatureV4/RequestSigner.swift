import Foundation

/// Signs requests as AWS clients do.
public struct RequestSigner: Sendable {
    public var credential: Credential
    public var region: String
    public var service: String

    public init(credential: Credential, region: String, service: String) {
        self.credential = credential
        self.region = region
        self.service = service
    }

    /// The header lines to add to `request`: `x-amz-date`, `x-amz-content-sha256` and `authorization`.
    ///
    /// Signs `host`, `content-type` when there is one, and every `x-amz-…` header of the request.
    public func headers(for request: SignableRequest, now: Date) -> [(name: String, value: String)] {
        let timestamp = SignatureTimestamp(now)
        var request = request
        let added = [("x-amz-date", timestamp.text), ("x-amz-content-sha256", request.bodyHash)]
        request.headers.removeAll { header in added.contains { $0.0 == header.name.lowercased() } }
        request.headers += added.map { (name: $0.0, value: $0.1) }
        let signed = Set(request.headers.map { $0.name.lowercased() }).filter {
            $0 == "host" || $0 == "content-type" || $0.hasPrefix("x-amz-")
        }.sorted()
        let key = credential.signingKey(date: timestamp.day, region: region, service: service)
        let signature = key.signature(of: CanonicalRequest(request, signedHeaders: signed), timestamp: timestamp.text)
        let authorization =
            "\(SignatureRules.algorithm) Credential=\(credential.accessKeyID)/\(key.scope), SignedHeaders=\(signed.joined(separator: ";")), Signature=\(signature)"
        return added.map { (name: $0.0, value: $0.1) } + [(name: "authorization", value: authorization)]
    }

    /// The query of the presigned form of `request`; all its headers are signed.
    /// - Parameter expiry: seconds, 1 to 604800.
    public func presignedQuery(for request: SignableRequest, expiry: Int, now: Date) -> String {
        let timestamp = SignatureTimestamp(now)
        let key = credential.signingKey(date: timestamp.day, region: region, service: service)
        let signed = Set(request.headers.map { $0.name.lowercased() }).sorted()
        var request = request
        let added = [
            ("X-Amz-Algorithm", SignatureRules.algorithm), ("X-Amz-Credential", "\(credential.accessKeyID)/\(key.scope)"),
            ("X-Amz-Date", timestamp.text), ("X-Amz-Expires", "\(expiry)"), ("X-Amz-SignedHeaders", signed.joined(separator: ";")),
        ].map { "\($0.0)=\(PercentEncoding.encode($0.1.utf8))" }.joined(separator: "&")
        request.query = request.query.isEmpty ? added : "\(request.query)&\(added)"
        let signature = key.signature(of: CanonicalRequest(request, signedHeaders: signed), timestamp: timestamp.text)
        return "\(request.query)&X-Amz-Signature=\(signature)"
    }
}
