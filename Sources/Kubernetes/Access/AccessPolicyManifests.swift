import FleetModel
import Foundation

/// One object to be in a cluster, and where. Send `body` with PATCH to `path`, with `applyQuery` and `applyContentType`
/// (server-side apply: makes it or puts it right, any number of times).
public struct KubernetesObject: Hashable, Sendable {
    /// For example `/apis/rbac.authorization.k8s.io/v1/clusterroles/eks:admin-view`.
    public var path: String
    /// JSON.
    public var body: String

    public static let applyQuery = "fieldManager=slipway&force=true"
    public static let applyContentType = "application/apply-patch+yaml"

    public init(path: String, body: String) {
        self.path = path
        self.body = body
    }
}

/// The RBAC objects that give the groups of access policies their rights.
public enum AccessPolicyManifests {
    /// Everything that every cluster has: the role `eks:admin-view`, and a binding for each policy over the whole cluster.
    /// `AmazonEKSClusterAdminPolicy` needs none: its group is Kubernetes' own `system:masters`.
    /// - Throws: `KubernetesError` (`encoding`).
    public static func clusterObjects() throws -> [KubernetesObject] {
        try [adminViewRole()] + AccessPolicy.allCases.filter { $0 != .clusterAdmin }.map { try clusterRoleBinding($0) }
    }

    /// Binds the group of a policy that was given for `pattern` to its role inside one namespace.
    ///
    /// - Parameters:
    ///   - namespace: one that exists.
    ///   - pattern: as the access entry has it: the namespace itself, or a prefix of it with `*`. Nil for `namespace`.
    /// - Throws: `KubernetesError` (`encoding`).
    public static func roleBinding(_ policy: AccessPolicy, namespace: String, pattern: String? = nil) throws -> KubernetesObject {
        let group = policy.group(namespace: pattern ?? namespace)
        return try object(
            collection: "namespaces/\(namespace)/rolebindings",
            Manifest(
                kind: "RoleBinding", metadata: .init(name: group, namespace: namespace),
                roleRef: .init(name: policy.clusterRole), subjects: [.init(name: group)]))
    }

    private static func clusterRoleBinding(_ policy: AccessPolicy) throws -> KubernetesObject {
        try object(
            collection: "clusterrolebindings",
            Manifest(
                kind: "ClusterRoleBinding", metadata: .init(name: policy.group()), roleRef: .init(name: policy.clusterRole),
                subjects: [.init(name: policy.group())]))
    }

    private static func adminViewRole() throws -> KubernetesObject {
        let verbs = ["get", "list", "watch"]
        return try object(
            collection: "clusterroles",
            Manifest(
                kind: "ClusterRole", metadata: .init(name: AccessPolicy.adminView.clusterRole),
                rules: [
                    .init(verbs: verbs, apiGroups: ["*"], resources: ["*"]), .init(verbs: ["get"], nonResourceURLs: ["*"]),
                ]))
    }

    private static func object(collection: String, _ manifest: Manifest) throws -> KubernetesObject {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return KubernetesObject(
                path: "/apis/\(Manifest.group)/v1/\(collection)/\(manifest.metadata.name)",
                body: String(decoding: try encoder.encode(manifest), as: UTF8.self))
        } catch {
            throw KubernetesError(.encoding, "\(manifest.kind) \(manifest.metadata.name) could not be written as JSON.", cause: error)
        }
    }
}

private struct Manifest: Encodable {
    static let group = "rbac.authorization.k8s.io"

    var apiVersion = "\(Manifest.group)/v1"
    var kind: String
    var metadata: ObjectMetadata
    var roleRef: RoleReference?
    var rules: [Rule]?
    var subjects: [Subject]?

    struct ObjectMetadata: Encodable {
        var name: String
        var namespace: String?
        var labels = ["app.kubernetes.io/managed-by": "slipway"]
    }

    struct RoleReference: Encodable {
        var apiGroup = Manifest.group
        var kind = "ClusterRole"
        var name: String
    }

    struct Rule: Encodable {
        var verbs: [String]
        var apiGroups: [String]?
        var resources: [String]?
        var nonResourceURLs: [String]?
    }

    struct Subject: Encodable {
        var apiGroup = Manifest.group
        var kind = "Group"
        var name: String
    }
}
