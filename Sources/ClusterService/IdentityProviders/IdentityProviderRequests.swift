/// The EKS API's `AssociateIdentityProviderConfigRequest`, under the same names.
public struct IdentityProviderAssociation: Codable, Hashable, Sendable {
    public var oidc: OIDC?
    public var tags: [String: String]?
    public var clientRequestToken: String?

    /// The service model's `OidcIdentityProviderConfigRequest`.
    public struct OIDC: Codable, Hashable, Sendable {
        public var identityProviderConfigName: String?
        public var issuerUrl: String?
        public var clientId: String?
        public var usernameClaim: String?
        public var usernamePrefix: String?
        public var groupsClaim: String?
        public var groupsPrefix: String?
        public var requiredClaims: [String: String]?
    }
}

/// The EKS API's `DescribeIdentityProviderConfigRequest` and `DisassociateIdentityProviderConfigRequest`.
public struct IdentityProviderSelection: Codable, Hashable, Sendable {
    public var identityProviderConfig: Reference?
    public var clientRequestToken: String?

    /// The service model's `IdentityProviderConfig`.
    public struct Reference: Codable, Hashable, Sendable {
        /// `oidc`
        public var type: String?
        public var name: String?
    }
}
