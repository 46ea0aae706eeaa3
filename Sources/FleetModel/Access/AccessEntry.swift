import Foundation

/// Who may log in to a cluster's Kubernetes API, and as whom (EKS API: `AccessEntry`).
public struct AccessEntry: Codable, Hashable, Sendable {
    public var cluster: ClusterName
    public var cell: CellName
    public var metadata: Metadata
    public var principalARN: String
    /// The principal's own id when the entry was made. Whoever takes the name later has another one and is not let in. Nil for
    /// principals of elsewhere, whom no access key of this region stands for.
    public var principalID: String?
    public var username: String
    public var kubernetesGroups: [String]
    /// `STANDARD`, `EC2_LINUX`, …
    public var type: String
    public var tags: [String: String]
    public var policies: [AssociatedAccessPolicy]
    public var modifiedAt: Date
    public var clientRequestToken: String?

    public init(
        cluster: ClusterName, cell: CellName, metadata: Metadata, principalARN: String, principalID: String?, username: String,
        kubernetesGroups: [String] = [], type: String = "STANDARD", tags: [String: String] = [:], policies: [AssociatedAccessPolicy] = [],
        modifiedAt: Date
    ) {
        self.cluster = cluster
        self.cell = cell
        self.metadata = metadata
        self.principalARN = principalARN
        self.principalID = principalID
        self.username = username
        self.kubernetesGroups = kubernetesGroups
        self.type = type
        self.tags = tags
        self.policies = policies
        self.modifiedAt = modifiedAt
    }
}

/// An access policy given to an entry (EKS API: `AssociatedAccessPolicy`).
public struct AssociatedAccessPolicy: Codable, Hashable, Sendable {
    public var policyARN: String
    /// Empty: the whole cluster. Else the namespaces, which may end in `*`.
    public var namespaces: [String]
    public var associatedAt: Date
    public var modifiedAt: Date

    public init(policyARN: String, namespaces: [String], associatedAt: Date, modifiedAt: Date) {
        self.policyARN = policyARN
        self.namespaces = namespaces
        self.associatedAt = associatedAt
        self.modifiedAt = modifiedAt
    }
}

/// The access policies that Slipway offers, and the Kubernetes group that carries each.
public enum AccessPolicy: String, Codable, CaseIterable, Sendable {
    case clusterAdmin = "AmazonEKSClusterAdminPolicy"
    case admin = "AmazonEKSAdminPolicy"
    case edit = "AmazonEKSEditPolicy"
    case view = "AmazonEKSViewPolicy"
    case adminView = "AmazonEKSAdminViewPolicy"

    public var arn: String { "arn:aws:eks::aws:cluster-access-policy/\(rawValue)" }

    public init?(arn: String) {
        guard let policy = Self.allCases.first(where: { $0.arn == arn }) else { return nil }
        self = policy
    }

    /// The Kubernetes ClusterRole that the policy stands for. `eks:admin-view` is made by Slipway, the others by Kubernetes.
    public var clusterRole: String {
        switch self {
        case .clusterAdmin: "cluster-admin"
        case .admin: "admin"
        case .edit: "edit"
        case .view: "view"
        case .adminView: "eks:admin-view"
        }
    }

    /// The group that the authenticator puts a user into for this policy: bound by Slipway to `clusterRole`, in the whole
    /// cluster (`namespace` nil) or in one namespace.
    public func group(namespace: String? = nil) -> String {
        if self == .clusterAdmin, namespace == nil { return "system:masters" }
        return namespace.map { "eks:access-policy:\(rawValue):namespace:\($0)" } ?? "eks:access-policy:\(rawValue)"
    }
}
