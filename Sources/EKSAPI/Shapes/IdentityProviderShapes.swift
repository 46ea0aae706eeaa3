import ClusterService
import FleetModel

/// The service model's `OidcIdentityProviderConfig`. What was not given is not said back.
struct IdentityProviderShape: Encodable {
    var identityProviderConfigName: String
    var identityProviderConfigArn: String
    var clusterName: String
    var issuerUrl: String
    var clientId: String
    var usernameClaim: String?
    var usernamePrefix: String?
    var groupsClaim: String?
    var groupsPrefix: String?
    var requiredClaims: [String: String]
    var tags: [String: String]
    var status: String

    init(_ associated: AssociatedIdentityProvider, of cluster: ClusterName, region: Region) {
        let provider = associated.provider
        self.identityProviderConfigName = provider.name
        self.identityProviderConfigArn = region.identityProviderARN(provider, of: cluster)
        self.clusterName = cluster.rawValue
        self.issuerUrl = provider.issuerURL
        self.clientId = provider.clientID
        self.usernameClaim = provider.usernameClaim
        self.usernamePrefix = provider.usernamePrefix
        self.groupsClaim = provider.groupsClaim
        self.groupsPrefix = provider.groupsPrefix
        self.requiredClaims = provider.requiredClaims
        self.tags = provider.tags
        self.status = associated.status.rawValue
    }
}

struct IdentityProviderAnswer: Encodable {
    struct Content: Encodable { var oidc: IdentityProviderShape }
    var identityProviderConfig: Content
}

struct IdentityProviderAssociationAnswer: Encodable {
    var update: UpdateShape
    var tags: [String: String]
}

struct IdentityProviderList: Encodable {
    /// The service model's `IdentityProviderConfig`.
    struct Reference: Encodable {
        var type: String
        var name: String
    }
    var identityProviderConfigs: [Reference]
    var nextToken: String?
}
