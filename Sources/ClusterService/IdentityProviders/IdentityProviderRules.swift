import FleetModel
import Foundation

/// What an identity provider may say. Rules are those of the EKS service model and user guide ("Grant users access to Kubernetes
/// with an external OIDC provider"), and what Kubernetes itself would refuse only when its API server starts. Pure.
enum IdentityProviderRules {
    private static let reservedPrefixes = ["eks:", "aws:", "amazon:", "iam:"]
    /// Each becomes an argument of the API server's command line.
    private static let claimLimit = 50
    private static let textLimit = 255
    private static let urlLimit = 1024

    /// - Parameter id: of the association, a new UUID.
    /// - Throws: `ClusterServiceError` (`invalidParameter`).
    static func provider(_ request: IdentityProviderAssociation, id: String) throws -> IdentityProvider {
        guard let oidc = request.oidc else { throw invalid("The parameter 'oidc' is required.") }
        return IdentityProvider(
            id: id, name: try name(oidc.identityProviderConfigName), issuerURL: try issuerURL(oidc.issuerUrl),
            clientID: try required(oidc.clientId, "oidc.clientId"), usernameClaim: try text(oidc.usernameClaim, "oidc.usernameClaim"),
            usernamePrefix: try prefix(oidc.usernamePrefix, "oidc.usernamePrefix"),
            groupsClaim: try text(oidc.groupsClaim, "oidc.groupsClaim"),
            groupsPrefix: try prefix(oidc.groupsPrefix, "oidc.groupsPrefix"), requiredClaims: try claims(oidc.requiredClaims ?? [:]),
            tags: try TagRules.check(request.tags ?? [:]))
    }

    /// - Returns: the name.
    /// - Throws: `ClusterServiceError` (`invalidParameter`).
    static func reference(_ reference: IdentityProviderSelection.Reference?) throws -> String {
        guard let reference else { throw invalid("The parameter 'identityProviderConfig' is required.") }
        guard reference.type == IdentityProvider.type else {
            throw invalid("identityProviderConfig.type must be \(IdentityProvider.type): there is no other.")
        }
        return try required(reference.name, "identityProviderConfig.name")
    }

    private static func name(_ given: String?) throws -> String {
        let name = try required(given, "oidc.identityProviderConfigName")
        let isWord = name.utf8.allSatisfy { byte in
            (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || "-_".utf8.contains(byte)
        }
        guard name.utf8.count <= 100, isWord, name.utf8.first.map({ $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "_") }) == true else {
            throw invalid(
                "oidc.identityProviderConfigName must have 1 to 100 letters, digits, '-' and '_', and begin with a letter or a digit.")
        }
        return name
    }

    private static func issuerURL(_ given: String?) throws -> String {
        guard let given, !given.isEmpty else { throw invalid("The parameter 'oidc.issuerUrl' is required.") }
        let shown = given.prefix(200)
        guard given.utf8.count <= urlLimit, given.utf8.allSatisfy({ (33...126).contains($0) }), let parts = URLComponents(string: given)
        else { throw invalid("oidc.issuerUrl '\(shown)' is not a URL of at most \(urlLimit) characters.") }
        guard given.hasPrefix("https://") else { throw invalid("oidc.issuerUrl '\(shown)' must begin with https://.") }
        let provider = IdentityProvider(id: "", name: "", issuerURL: given, clientID: "")
        guard provider.issuer != nil, parts.user == nil, parts.password == nil else {
            throw invalid("oidc.issuerUrl '\(shown)' must name a host, maybe a port, and no user.")
        }
        let host = provider.issuer?.host ?? ""
        guard !host.contains(":"), !["localhost", "localhost."].contains(host.lowercased()),
            (try? IPv4Address(host)).map({ ![0, 127].contains($0.bits >> 24) }) ?? true
        else {
            throw invalid("oidc.issuerUrl '\(shown)' must be reached from API servers: by a name or an IPv4 address, and not by loopback.")
        }
        guard parts.query == nil, parts.fragment == nil else {
            throw invalid("oidc.issuerUrl '\(shown)' must have no query parameters and no fragment.")
        }
        guard !parts.path.contains("/.well-known/") else {
            throw invalid("oidc.issuerUrl '\(shown)' must point to the level below .well-known/openid-configuration, which is left out.")
        }
        return given
    }

    /// EKS: "The prefix can't contain `system:`". `-` for the user's name means none.
    private static func prefix(_ given: String?, _ parameter: String) throws -> String? {
        guard let prefix = try text(given, parameter) else { return nil }
        let small = prefix.lowercased()
        guard !small.contains("system:") else { throw invalid("\(parameter) must not contain system:, which is reserved.") }
        if let reserved = reservedPrefixes.first(where: { small.hasPrefix($0) }) {
            throw invalid("\(parameter) must not start with \(reserved), which is reserved.")
        }
        return prefix
    }

    /// Service model: `requiredClaimsKey` 1 to 63, `requiredClaimsValue` 1 to 253 characters.
    private static func claims(_ given: [String: String]) throws -> [String: String] {
        guard given.count <= claimLimit else { throw invalid("oidc.requiredClaims can have \(claimLimit) claims at most.") }
        for (key, value) in given {
            guard (1...63).contains(key.count) else { throw invalid("The key of a required claim must have 1 to 63 characters.") }
            // The flag is KEY=VALUE.
            guard !key.contains("="), isPrintable(key) else {
                throw invalid("The key of a required claim must have no '=' and no control characters.")
            }
            guard (1...253).contains(value.count), isPrintable(value) else {
                throw invalid("The value of the required claim '\(key)' must have 1 to 253 characters, none of them a control character.")
            }
        }
        return given
    }

    private static func required(_ given: String?, _ parameter: String) throws -> String {
        guard let text = try text(given, parameter) else { throw invalid("The parameter '\(parameter)' is required.") }
        return text
    }

    /// Empty is the same as missing.
    private static func text(_ given: String?, _ parameter: String) throws -> String? {
        guard let given, !given.isEmpty else { return nil }
        guard given.count <= textLimit, isPrintable(given) else {
            throw invalid("\(parameter) must have at most \(textLimit) characters, none of them a control character.")
        }
        return given
    }

    private static func isPrintable(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { $0.value >= 32 && !(127...159).contains($0.value) }
    }

    private static func invalid(_ message: String) -> ClusterServiceError { ClusterServiceError(.invalidParameter, message) }
}
