/// Who a principal is inside a cluster: what the authenticator answers to the API server.
public struct AccessMapping: Codable, Hashable, Sendable {
    public var principalARN: String
    /// A key of another principal, of the same name, is not meant.
    public var principalID: String?
    /// May hold `{{SessionName}}`, as EKS writes the user names of roles.
    public var username: String
    public var groups: [String]

    public init(principalARN: String, principalID: String?, username: String, groups: [String]) {
        self.principalARN = principalARN
        self.principalID = principalID
        self.username = username
        self.groups = groups
    }
}

/// The content of an authenticator's `mappings.json`.
public struct AccessMappings: Codable, Hashable, Sendable {
    public var entries: [AccessMapping]

    public init(entries: [AccessMapping]) { self.entries = entries }

    /// What a cluster's access entries say, in the order of principals.
    ///
    /// The groups of an entry are its own Kubernetes groups and those of its access policies.
    public init(of entries: [AccessEntry]) {
        self.entries = entries.sorted { $0.principalARN < $1.principalARN }.map { entry in
            let ofPolicies = entry.policies.flatMap { given -> [String] in
                guard let policy = AccessPolicy(arn: given.policyARN) else { return [] }
                return given.namespaces.isEmpty ? [policy.group()] : given.namespaces.map { policy.group(namespace: $0) }
            }
            var seen: Set<String> = []
            let groups = (entry.kubernetesGroups + ofPolicies).filter { seen.insert($0).inserted }
            return AccessMapping(
                principalARN: entry.principalARN, principalID: entry.principalID, username: entry.username, groups: groups)
        }
    }
}
