/// What a caller says when it wants an access entry: the EKS API's `CreateAccessEntryRequest`, under the same names.
public struct NewAccessEntry: Codable, Hashable, Sendable {
    public var principalArn: String?
    public var kubernetesGroups: [String]?
    public var tags: [String: String]?
    public var clientRequestToken: String?
    public var username: String?
    public var type: String?

    public init(principalArn: String, kubernetesGroups: [String]? = nil, username: String? = nil) {
        self.principalArn = principalArn
        self.kubernetesGroups = kubernetesGroups
        self.username = username
    }
}

/// What is to change in an access entry: the EKS API's `UpdateAccessEntryRequest`.
public struct AccessEntryChange: Codable, Hashable, Sendable {
    public var kubernetesGroups: [String]?
    public var clientRequestToken: String?
    public var username: String?

    public init(kubernetesGroups: [String]? = nil, username: String? = nil) {
        self.kubernetesGroups = kubernetesGroups
        self.username = username
    }
}

/// A policy to be given to an access entry: the EKS API's `AssociateAccessPolicyRequest`.
public struct PolicyAssociation: Codable, Hashable, Sendable {
    public struct Scope: Codable, Hashable, Sendable {
        /// `cluster` or `namespace`
        public var type: String?
        public var namespaces: [String]?

        public init(type: String, namespaces: [String] = []) {
            self.type = type
            self.namespaces = namespaces
        }
    }

    public var policyArn: String?
    public var accessScope: Scope?

    public init(policyArn: String, accessScope: Scope) {
        self.policyArn = policyArn
        self.accessScope = accessScope
    }
}
