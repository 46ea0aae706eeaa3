import FleetModel

/// An API that somebody has asked for and that a coming version does not serve, as an API server's metric
/// `apiserver_requested_deprecated_apis` (Kubernetes 1.19 and later) tells.
public struct DeprecatedAPI: Hashable, Sendable, Comparable {
    public var group: String
    public var version: String
    public var resource: String
    public var removedIn: KubernetesVersion

    public init(group: String, version: String, resource: String, removedIn: KubernetesVersion) {
        self.group = group
        self.version = version
        self.resource = resource
        self.removedIn = removedIn
    }

    /// `/apis/GROUP/VERSION/RESOURCE`.
    public var path: String { Self.path(group, version, resource) }

    public static func < (a: Self, b: Self) -> Bool { (a.removedIn, a.path) < (b.removedIn, b.path) }

    private static func path(_ group: String, _ version: String, _ resource: String) -> String {
        group.isEmpty ? "/api/\(version)/\(resource)" : "/apis/\(group)/\(version)/\(resource)"
    }

    /// What takes its place, and the minor version that first served that; nil where nothing does, or it is not known here.
    public var replacement: (path: String, since: String)? {
        let key = "\(group)/\(version)"
        guard let row = Self.replacements["\(key)/\(resource)"] ?? Self.replacements["\(key)/*"] else { return nil }
        return (Self.path(row.group, row.version, resource), row.since)
    }

    private struct Row {
        var group: String
        var version: String
        var since: String
    }

    /// From Kubernetes' "Deprecated API Migration Guide".
    private static let replacements: [String: Row] = Dictionary(
        table.split(separator: "\n").map { line in
            let parts = line.split(separator: " ").map(String.init)
            let target = parts[1].split(separator: "/").map(String.init)
            return (parts[0], Row(group: target[0], version: target[1], since: parts[2]))
        }, uniquingKeysWith: { $1 })

    /// What, what takes its place, since when.
    private static let table = """
        extensions/v1beta1/ingresses networking.k8s.io/v1 1.19
        networking.k8s.io/v1beta1/* networking.k8s.io/v1 1.19
        apiextensions.k8s.io/v1beta1/* apiextensions.k8s.io/v1 1.16
        admissionregistration.k8s.io/v1beta1/mutatingwebhookconfigurations admissionregistration.k8s.io/v1 1.16
        admissionregistration.k8s.io/v1beta1/validatingwebhookconfigurations admissionregistration.k8s.io/v1 1.16
        admissionregistration.k8s.io/v1beta1/validatingadmissionpolicies admissionregistration.k8s.io/v1 1.30
        apiregistration.k8s.io/v1beta1/* apiregistration.k8s.io/v1 1.10
        authentication.k8s.io/v1beta1/* authentication.k8s.io/v1 1.6
        authorization.k8s.io/v1beta1/* authorization.k8s.io/v1 1.6
        certificates.k8s.io/v1beta1/certificatesigningrequests certificates.k8s.io/v1 1.19
        coordination.k8s.io/v1beta1/leases coordination.k8s.io/v1 1.14
        rbac.authorization.k8s.io/v1beta1/* rbac.authorization.k8s.io/v1 1.8
        rbac.authorization.k8s.io/v1alpha1/* rbac.authorization.k8s.io/v1 1.8
        scheduling.k8s.io/v1beta1/* scheduling.k8s.io/v1 1.14
        scheduling.k8s.io/v1alpha1/* scheduling.k8s.io/v1 1.14
        storage.k8s.io/v1beta1/csidrivers storage.k8s.io/v1 1.19
        storage.k8s.io/v1beta1/csinodes storage.k8s.io/v1 1.17
        storage.k8s.io/v1beta1/storageclasses storage.k8s.io/v1 1.6
        storage.k8s.io/v1beta1/volumeattachments storage.k8s.io/v1 1.13
        storage.k8s.io/v1beta1/csistoragecapacities storage.k8s.io/v1 1.24
        batch/v1beta1/cronjobs batch/v1 1.21
        discovery.k8s.io/v1beta1/endpointslices discovery.k8s.io/v1 1.21
        events.k8s.io/v1beta1/events events.k8s.io/v1 1.19
        autoscaling/v2beta1/horizontalpodautoscalers autoscaling/v2 1.23
        autoscaling/v2beta2/horizontalpodautoscalers autoscaling/v2 1.23
        policy/v1beta1/poddisruptionbudgets policy/v1 1.21
        node.k8s.io/v1beta1/runtimeclasses node.k8s.io/v1 1.20
        flowcontrol.apiserver.k8s.io/v1beta1/* flowcontrol.apiserver.k8s.io/v1 1.29
        flowcontrol.apiserver.k8s.io/v1beta2/* flowcontrol.apiserver.k8s.io/v1 1.29
        flowcontrol.apiserver.k8s.io/v1beta3/* flowcontrol.apiserver.k8s.io/v1 1.29
        """
}
