import Foundation

/// An OpenID Connect provider whose tokens a cluster's API servers take, beside those of `aws eks get-token`
/// (EKS API: `OidcIdentityProviderConfig`).
public struct IdentityProvider: Codable, Hashable, Sendable {
    /// A UUID: an association that is made again under the same name is another one.
    public var id: String
    public var name: String
    /// `https://…`, as tokens have it in `iss`.
    public var issuerURL: String
    /// What tokens must have in `aud`.
    public var clientID: String
    /// Nil: `sub`.
    public var usernameClaim: String?
    /// Nil: the issuer's URL and `#`, and nothing for the claim `email`. `-`: nothing.
    public var usernamePrefix: String?
    /// Nil: tokens put nobody into groups.
    public var groupsClaim: String?
    public var groupsPrefix: String?
    /// What a token must say besides, claim by claim.
    public var requiredClaims: [String: String]
    public var tags: [String: String]

    public init(
        id: String, name: String, issuerURL: String, clientID: String, usernameClaim: String? = nil, usernamePrefix: String? = nil,
        groupsClaim: String? = nil, groupsPrefix: String? = nil, requiredClaims: [String: String] = [:], tags: [String: String] = [:]
    ) {
        self.id = id
        self.name = name
        self.issuerURL = issuerURL
        self.clientID = clientID
        self.usernameClaim = usernameClaim
        self.usernamePrefix = usernamePrefix
        self.groupsClaim = groupsClaim
        self.groupsPrefix = groupsPrefix
        self.requiredClaims = requiredClaims
        self.tags = tags
    }

    /// The only type that EKS knows.
    public static let type = "oidc"

    /// Whom API servers ask for the keys that tokens are signed with; nil when the URL names nobody.
    public var issuer: (host: String, port: UInt16)? {
        guard let parts = URLComponents(string: issuerURL), let host = parts.host, !host.isEmpty else { return nil }
        guard let port = parts.port else { return (host, 443) }
        return UInt16(exactly: port).flatMap { $0 == 0 ? nil : (host, $0) }
    }
}

/// A cluster's identity provider, and how far it is.
public struct AssociatedIdentityProvider: Hashable, Sendable {
    /// The service model's `configStatus`.
    public enum Status: String, Codable, Sendable {
        /// API servers that take its tokens are being made.
        case creating = "CREATING"
        case active = "ACTIVE"
        /// Those that take its tokens are being replaced.
        case deleting = "DELETING"
    }

    public var provider: IdentityProvider
    public var status: Status

    public init(provider: IdentityProvider, status: Status) {
        self.provider = provider
        self.status = status
    }
}

extension ClusterSpec {
    /// Nil: none, and none that is on its way out. Told from the update that is under way: nothing else is kept about it.
    public var identityProvider: AssociatedIdentityProvider? {
        let isOnItsWay = update != nil && update?.reversal == nil
        let before = isOnItsWay ? update?.previousSettings.identityProvider : settings.identityProvider
        if let now = settings.identityProvider {
            return AssociatedIdentityProvider(provider: now, status: before?.id == now.id ? .active : .creating)
        }
        return before.map { AssociatedIdentityProvider(provider: $0, status: .deleting) }
    }
}
