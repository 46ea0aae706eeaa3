import FleetModel
import Foundation

/// What was seen of a cluster for its insights.
public struct InsightObservation: Sendable {
    public struct Node: Hashable, Sendable {
        public var name: String
        /// Nil where the node says none.
        public var kubelet: KubernetesVersion?

        public init(name: String, kubelet: KubernetesVersion?) {
            self.name = name
            self.kubelet = kubelet
        }
    }

    /// The cluster's Kubernetes version.
    public var version: KubernetesVersion
    /// What each API server said of itself, by instance name; nil: it did not answer.
    public var servers: [String: APIServerMetricsPage?]
    /// Nil: they could not be listed.
    public var nodes: [Node]?
    public var conditions: [Condition]

    public init(version: KubernetesVersion, servers: [String: APIServerMetricsPage?], nodes: [Node]?, conditions: [Condition]) {
        self.version = version
        self.servers = servers
        self.nodes = nodes
        self.conditions = conditions
    }
}

/// From what was seen to what a cluster's owner is told: use of APIs that go away, version skew, health. Pure.
public struct InsightPlanner: Sendable {
    public init() {}

    /// - Parameters:
    ///   - old: what was told before; an insight keeps its id, and the time of its change while its status stays.
    ///   - newID: makes a UUID for a new one.
    public func insights(_ seen: InsightObservation, old: [Insight], now: Date, newID: () -> String) -> [Insight] {
        let drafts = deprecations(seen) + [kubeletSkew(seen), serverSkew(seen), health(seen)]
        return drafts.map { draft in
            let known = old.first { $0.name == draft.name }
            return Insight(
                id: known?.id ?? newID(), name: draft.name, category: draft.category, kubernetesVersion: draft.version.description,
                refreshedAt: now, changedAt: known.flatMap { $0.status == draft.status ? $0.changedAt : nil } ?? now,
                summary: draft.summary, status: draft.status, reason: draft.reason, recommendation: draft.recommendation,
                references: draft.references, resources: draft.resources, deprecations: draft.deprecations)
        }
    }

    private struct Draft {
        var name: String
        var category = Insight.Category.upgradeReadiness
        var version: KubernetesVersion
        var summary: String
        var status: Insight.Status
        var reason: String
        var recommendation: String
        var references: [String: String] = [:]
        var resources: [Insight.Resource] = []
        var deprecations: [Insight.Deprecation] = []
    }

    private func next(_ seen: InsightObservation) -> KubernetesVersion {
        KubernetesVersion(major: seen.version.major, minor: seen.version.minor + 1)
    }

    // MARK: APIs that go away

    /// One for each version that ends an API that is in use, and one for the next version in any case.
    private func deprecations(_ seen: InsightObservation) -> [Draft] {
        let answered = seen.servers.values.compactMap(\.self)
        let used = answered.reduce(into: Set<DeprecatedAPI>()) { $0.formUnion($1.deprecated) }
            .filter { $0.removedIn > seen.version.minorVersion }
        let next = next(seen)
        return Set(used.map(\.removedIn)).union([next]).sorted().map { version in
            let ending = used.filter { $0.removedIn == version }.sorted()
            var draft = Draft(
                name: "Deprecated APIs removed in Kubernetes v\(version)", version: version,
                summary: "Checks for usage of deprecated APIs that are scheduled for removal in Kubernetes v\(version).",
                status: .passing, reason: "No deprecated API usage detected since the API servers started.",
                recommendation:
                    "Update manifests and clients to newer Kubernetes APIs if applicable before upgrading to Kubernetes v\(version).",
                references: ["Kubernetes deprecation guide": "https://kubernetes.io/docs/reference/using-api/deprecation-guide/"])
            draft.deprecations = ending.map {
                Insight.Deprecation(
                    usage: $0.path, replacement: $0.replacement?.path, stopServingVersion: version.description,
                    replacementSince: $0.replacement?.since)
            }
            if !ending.isEmpty {
                // The next version is near: who updates now loses it.
                draft.status = version == next ? .error : .warning
                draft.reason = "Deprecated API usage detected since the API servers started: \(ending.map(\.path).joined(separator: ", "))."
            } else if answered.isEmpty {
                draft.status = .unknown
                draft.reason = "No API server has told which APIs are used."
            } else if answered.count < seen.servers.count {
                draft.status = .unknown
                draft.reason = "Not all API servers have told which APIs are used."
            }
            return draft
        }
    }

    // MARK: Version skew

    /// Kubernetes' version skew policy: a kubelet is never newer than the API servers, and at most three minor versions older
    /// (two before 1.28).
    private func kubeletSkew(_ seen: InsightObservation) -> Draft {
        let next = next(seen)
        let allowed = next.minor >= 28 ? 3 : 2
        var draft = Draft(
            name: "Kubelet version skew", version: next,
            summary: "Checks that the kubelets are of versions that API servers of the next version support.", status: .passing,
            reason: "Kubelet versions match or are at most \(allowed) minor versions behind Kubernetes v\(next).",
            recommendation: "Update nodes whose kubelet is too old before you update the cluster, and none beyond the cluster's version.",
            references: ["Kubernetes version skew policy": "https://kubernetes.io/releases/version-skew-policy/"])
        guard let nodes = seen.nodes else {
            draft.status = .unknown
            draft.reason = "The cluster's nodes could not be listed."
            return draft
        }
        draft.resources = nodes.sorted { $0.name < $1.name }.compactMap { node in
            guard let kubelet = node.kubelet else { return nil }
            let uri = "/api/v1/nodes/\(node.name)"
            if kubelet.minorVersion > seen.version.minorVersion {
                return Insight.Resource(
                    status: .error, reason: "kubelet v\(kubelet) is newer than the cluster's v\(seen.version)", uri: uri)
            }
            guard next.minor - kubelet.minor > allowed || kubelet.major < next.major else { return nil }
            let isTooOldNow = seen.version.minor - kubelet.minor > (seen.version.minor >= 28 ? 3 : 2)
            let reason = "kubelet v\(kubelet) is too old for \(isTooOldNow ? "the cluster's v\(seen.version)" : "v\(next)")"
            return Insight.Resource(status: .error, reason: reason, uri: uri)
        }
        if !draft.resources.isEmpty {
            draft.status = .error
            draft.reason = "\(draft.resources.count) of \(nodes.count) nodes have a kubelet that Kubernetes v\(next) does not support."
        }
        return draft
    }

    /// API servers of one cluster are at most one minor version apart, and that only during an update.
    private func serverSkew(_ seen: InsightObservation) -> Draft {
        let versions = seen.servers.compactMapValues { $0?.version }
        var draft = Draft(
            name: "API server version skew", category: .misconfiguration, version: seen.version.minorVersion,
            summary: "Checks that all API servers of the cluster are of its version.", status: .passing,
            reason: "All API servers are of version v\(seen.version).",
            recommendation: "Wait for the update in progress; without one, see `slipway cluster describe` for what holds it up.")
        let others = versions.filter { $0.value.minorVersion != seen.version.minorVersion }
        if versions.isEmpty {
            draft.status = .unknown
            draft.reason = "No API server has told its version."
        } else if !others.isEmpty {
            let minors = versions.values.map(\.minor)
            draft.status = (minors.max() ?? 0) - (minors.min() ?? 0) > 1 ? .error : .warning
            let named = others.sorted { $0.key < $1.key }.map { "\($0.key) is of v\($0.value)" }
            draft.reason = "\(named.joined(separator: ", ")); the cluster is of v\(seen.version)."
        }
        return draft
    }

    // MARK: Health

    private func health(_ seen: InsightObservation) -> Draft {
        var draft = Draft(
            name: "Cluster health issues", version: next(seen),
            summary: "Checks for issues of the control plane that should be resolved before an update.", status: .passing,
            reason: "No control plane health issues detected.",
            recommendation: "Resolve the issues first; `slipway cluster describe` says what is being done about them.")
        let bad = seen.conditions.filter { condition in
            switch condition.kind {
            case .degraded: condition.status == .yes
            case .progressing: false
            default: condition.status == .no
            }
        }
        let messages = bad.map { "\($0.kind.rawValue): \($0.message)" }.sorted()
        if bad.contains(where: { [.available, .etcdHealthy, .etcdConsistent].contains($0.kind) }) {
            draft.status = .error
        } else if !bad.isEmpty {
            draft.status = .warning
        }
        if !bad.isEmpty { draft.reason = messages.joined(separator: "; ") }
        return draft
    }
}
