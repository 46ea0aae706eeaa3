import Crypto
import Foundation

/// What a signed request says of itself, before anything of it is believed.
///
/// Both ways of signing are understood: the `Authorization` header, and the query of a presigned URL.
public struct SignatureClaim: Sendable {
    public var accessKeyID: String
    public var scope: CredentialScope
    public var timestamp: SignatureTimestamp
    /// Lower case.
    public var signedHeaders: [String]
    /// Lower-case hexadecimal.
    public var signature: String
    /// Seconds that a presigned URL is good for; nil when the header carries the signature.
    public var expiry: Int?
    private var canonical: CanonicalRequest
    private var statesOtherBody: Bool

    /// - Throws: `SignatureError` (`missingToken`, `incomplete`).
    public init(_ request: SignableRequest) throws {
        let parts: Parts
        if let authorization = request.header("authorization") {
            parts = try Parts(authorization: authorization, request: request)
        } else if request.query.contains("X-Amz-Algorithm=") || request.query.contains("X-Amz-Signature=") {
            parts = try Parts(presigned: request)
        } else {
            throw SignatureError.missing
        }
        let credential = parts.credential.split(separator: "/", omittingEmptySubsequences: false)
        guard credential.count >= 5, let terminator = credential.last, !credential[0].isEmpty else {
            throw SignatureError(
                .incomplete,
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '\(parts.credential)'")
        }
        guard terminator == CredentialScope.terminator else {
            throw SignatureError(
                .wrongScope, "Credential should be scoped with a valid terminator: 'aws4_request', not '\(terminator)'.")
        }
        guard let timestamp = SignatureTimestamp(parts.date) else {
            throw SignatureError(
                .incomplete, "Date must be in ISO-8601 'basic format'. Got '\(parts.date)'. See http://en.wikipedia.org/wiki/ISO_8601")
        }
        let count = credential.count
        self.accessKeyID = credential[0..<(count - 4)].joined(separator: "/")
        self.scope = CredentialScope(
            date: String(credential[count - 4]), region: String(credential[count - 3]), service: String(credential[count - 2]))
        self.timestamp = timestamp
        self.signedHeaders = parts.signedHeaders.split(separator: ";").map { $0.lowercased() }
        self.signature = parts.signature
        self.expiry = parts.expiry
        guard signedHeaders.contains("host") else {
            throw SignatureError(.mismatch, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
        }
        self.canonical = CanonicalRequest(
            request, signedHeaders: signedHeaders, omittedParameter: parts.expiry == nil ? nil : "X-Amz-Signature")
        self.statesOtherBody = request.header("x-amz-content-sha256").map { $0.lowercased() != request.bodyHash } ?? false
    }

    /// Whether the claim is for this region and service, and of now.
    /// - Throws: `SignatureError` (`wrongScope`, `expired`).
    public func check(region: String, service: String, now: Date) throws {
        guard scope.service == service else {
            throw SignatureError(.wrongScope, "Credential should be scoped to correct service: '\(service)'.")
        }
        guard scope.region == region else {
            throw SignatureError(.wrongScope, "Credential should be scoped to a valid region, not '\(scope.region)'.")
        }
        guard scope.date == timestamp.day else {
            throw SignatureError(
                .wrongScope,
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '\(scope.date)' != '\(timestamp.day)', from '\(timestamp)'."
            )
        }
        let clock = SignatureTimestamp(now)
        let age = now.timeIntervalSince(timestamp.date)
        let life = expiry.map(Double.init) ?? SignatureRules.allowedSkew
        guard age <= life else {
            let limit = SignatureTimestamp(now.addingTimeInterval(-life))
            let life = expiry.map { "\($0) sec." } ?? "5 min."
            throw SignatureError(
                .expired, "Signature expired: \(timestamp) is now earlier than \(limit) (\(clock) - \(life))")
        }
        guard age >= -SignatureRules.allowedSkew else {
            let limit = SignatureTimestamp(now.addingTimeInterval(SignatureRules.allowedSkew))
            throw SignatureError(
                .expired, "Signature not yet current: \(timestamp) is still later than \(limit) (\(clock) + 5 min.)")
        }
    }

    /// Whether the key made the signature; takes the same time wherever the two differ.
    /// - Throws: `SignatureError` (`wrongScope`, `mismatch`).
    public func verify(with key: SigningKey) throws {
        guard key.scope == scope else {
            throw SignatureError(.wrongScope, "The signing key is for \(key.scope), not for \(scope).")
        }
        let wanted = Array(key.signature(of: canonical, timestamp: timestamp.text).utf8)
        let given = Array(signature.utf8)
        guard wanted.count == given.count, zip(wanted, given).reduce(0, { $0 | ($1.0 ^ $1.1) }) == 0, !statesOtherBody else {
            throw SignatureError.mismatch
        }
    }
}

/// The raw texts of a signature.
private struct Parts {
    var credential: String
    var signedHeaders: String
    var signature: String
    var date: String
    var expiry: Int?

    init(authorization: String, request: SignableRequest) throws {
        let sides = authorization.split(separator: " ", maxSplits: 1)
        guard sides.first.map(String.init) == SignatureRules.algorithm, sides.count == 2 else {
            throw SignatureError(
                .incomplete, "Unsupported AWS 'algorithm': '\(sides.first ?? "")'; only \(SignatureRules.algorithm) is understood.")
        }
        var fields: [String: String] = [:]
        for field in sides[1].split(separator: ",") {
            let pair = field.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = pair[0].filter { $0 != " " }
            guard pair.count == 2, fields.updateValue(pair[1].filter { $0 != " " }, forKey: name) == nil else {
                throw SignatureError(
                    .incomplete, "'\(field.prefix(80))' not a valid key=value pair (missing or repeated) in Authorization header.")
            }
        }
        let date = request.header("x-amz-date") ?? request.header("date")
        let missing =
            ["Credential", "SignedHeaders", "Signature"].filter { fields[$0, default: ""].isEmpty }
            .map { "Authorization header requires '\($0)' parameter." }
            + (date == nil ? ["Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."] : [])
        guard missing.isEmpty, let credential = fields["Credential"], let signedHeaders = fields["SignedHeaders"],
            let signature = fields["Signature"], let date
        else { throw SignatureError(.incomplete, missing.joined(separator: " ")) }
        self.credential = credential
        self.signedHeaders = signedHeaders
        self.signature = signature
        self.date = date
    }

    init(presigned request: SignableRequest) throws {
        var fields: [String: String] = [:]
        for (key, value) in request.queryPairs where key.hasPrefix("X-Amz-") {
            guard fields.updateValue(value, forKey: key) == nil else {
                throw SignatureError(.incomplete, "AWS query-string parameter '\(key)' is given twice.")
            }
        }
        let names = ["Algorithm", "Credential", "SignedHeaders", "Signature", "Date", "Expires"].map { "X-Amz-\($0)" }
        let missing = names.filter { fields[$0, default: ""].isEmpty }
        let values = names.compactMap { fields[$0] }
        guard missing.isEmpty, values.count == names.count else {
            throw SignatureError(
                .incomplete,
                missing.map { "AWS query-string parameters must include '\($0)'." }.joined(separator: " ")
                    + " Re-examine the query-string parameters.")
        }
        guard values[0] == SignatureRules.algorithm else {
            throw SignatureError(
                .incomplete, "Unsupported AWS 'algorithm': '\(values[0])'; only \(SignatureRules.algorithm) is understood.")
        }
        guard let expiry = Int(values[5]), (1...SignatureRules.maximumExpiry).contains(expiry) else {
            throw SignatureError(.incomplete, "X-Amz-Expires must be a number of seconds from 1 to \(SignatureRules.maximumExpiry).")
        }
        self.credential = values[1]
        self.signedHeaders = values[2]
        self.signature = values[3]
        self.date = values[4]
        self.expiry = expiry
    }
}
