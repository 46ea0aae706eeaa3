import FleetModel
import Identity

/// What a caller wants a cluster to run: the EKS API's `UpdateClusterVersionRequest`, under the same names.
public struct VersionChange: Codable, Hashable, Sendable {
    /// A Kubernetes minor such as `1.33`.
    public var version: String?
    public var clientRequestToken: String?
    /// EKS: goes on although insights advise against it. Slipway's insights keep nobody from updating, so that it changes nothing.
    public var force: Bool?
    public var rollbackConfig: NewCluster.Unoffered?

    public init(version: String?) { self.version = version }
}

/// What an operator wants a cluster to run.
public struct ReleaseChange: Codable, Hashable, Sendable {
    public var release: String
    public var strategy: UpdateIntent.Strategy

    public init(release: String, strategy: UpdateIntent.Strategy) {
        self.release = release
        self.strategy = strategy
    }
}

/// Decides which release a cluster goes to. Pure.
struct ReleaseChoice {
    var cluster: Cluster
    /// All that are here.
    var releases: [Release]

    private var spec: ControlPlaneSpec { cluster.spec.controlPlane }

    /// The newest release of a Kubernetes minor that is the cluster's own or the one after it.
    /// - Throws: `ClusterServiceError` (`invalidParameter`).
    func newest(of text: String?) throws -> Release {
        guard let text, !text.isEmpty else { throw invalid("The parameter 'version' is required.") }
        guard let wanted = try? KubernetesVersion(text), wanted.patch == nil, !text.hasPrefix("v") else {
            throw invalid("'\(text.prefix(40))' is not a Kubernetes version such as 1.33.")
        }
        let current = spec.version.minorVersion
        guard wanted == current || isNext(wanted) else {
            throw invalid("Unsupported Kubernetes minor version update from \(current) to \(wanted): one minor at a time, and never back.")
        }
        let candidates = releases.filter { $0.kubernetesVersion.minorVersion == wanted }
        // The newest one that etcd can go to; where there is none, why not is said of the newest one.
        let present = try installed(spec.release)
        let suitable = candidates.filter { isOlder(present, than: $0) && (try? draft(to: $0, strategy: .blueGreen)) != nil }
        guard let newest = (suitable.isEmpty ? candidates : suitable).max(by: { isOlder($0, than: $1) }) else {
            let known = Set(releases.map(\.kubernetesVersion.minorVersion)).sorted().map(\.description).joined(separator: ", ")
            throw invalid("unsupported Kubernetes version \(wanted); this region has \(known)")
        }
        guard wanted != current || isOlder(present, than: newest) else {
            throw invalid(
                "Cluster is already at the desired configuration with version: \(current), platform version: eks.\(present.platformVersion); there is no newer one."
            )
        }
        return newest
    }

    /// As a new cluster's choice goes: by Kubernetes' patch, and then by platform version.
    private func isOlder(_ a: Release, than b: Release) -> Bool {
        (a.kubernetesVersion, a.platformVersion) < (b.kubernetesVersion, b.platformVersion)
    }

    /// One that an operator named: of the cluster's own Kubernetes minor, or the next.
    func named(_ change: ReleaseChange) throws -> Release {
        guard let release = releases.first(where: { $0.id.rawValue == change.release }) else {
            let known = releases.map(\.id.rawValue).joined(separator: ", ")
            throw invalid("There is no release '\(change.release.prefix(80))' here; there are \(known).")
        }
        guard release.id != spec.release else { throw invalid("\(cluster.name) runs release \(release.id) already.") }
        let (wanted, current) = (release.kubernetesVersion.minorVersion, spec.version.minorVersion)
        guard change.strategy != .inPlace || wanted == current else {
            throw invalid("A patch stays within Kubernetes \(current); \(release.id) is \(wanted): use `slipway cluster update`.")
        }
        guard wanted == current || isNext(wanted) else {
            throw invalid("Unsupported Kubernetes minor version update from \(current) to \(wanted): one minor at a time, and never back.")
        }
        return release
    }

    /// What the cluster's spec becomes. etcd's members are to be replaced only when the new release has another etcd: decided
    /// here, by the digests that both releases pin, and kept as intent.
    func draft(to release: Release, strategy: UpdateIntent.Strategy) throws -> UpdateDraft {
        let old = try installed(spec.etcdRelease)
        // What an update that fails goes back to.
        _ = try installed(spec.release)
        var new = cluster.spec
        new.controlPlane.release = release.id
        new.controlPlane.version = release.kubernetesVersion
        var changesStorage = false
        if try old.artifact("etcd").sha256 != release.artifact("etcd").sha256 {
            switch try EtcdStorage.change(from: old.etcdVersion, to: release.etcdVersion) {
            case .same: break
            case .next: changesStorage = true
            case .downgrade:
                throw invalid(
                    "Release \(release.id) has etcd \(release.etcdVersion), which cannot read what etcd \(old.etcdVersion) of \(cluster.name) has written; nothing was changed."
                )
            case .skip:
                throw invalid(
                    "Release \(release.id) has etcd \(release.etcdVersion), and \(cluster.name) has \(old.etcdVersion): etcd goes up one minor at a time; choose a release between them."
                )
            }
            new.controlPlane.etcdRelease = release.id
        }
        return UpdateDraft(
            type: "VersionUpdate",
            parameters: [
                "Version": release.kubernetesVersion.minorVersion.description, "PlatformVersion": "eks.\(release.platformVersion)",
                "ReleaseVersion": release.id.rawValue,
            ], spec: new, strategy: strategy, changesEtcdStorage: changesStorage, isImmediate: false)
    }

    private func isNext(_ wanted: KubernetesVersion) -> Bool {
        wanted.major == spec.version.major && wanted.minor == spec.version.minor + 1
    }

    private func installed(_ id: ReleaseID) throws -> Release {
        guard let release = releases.first(where: { $0.id == id }) else {
            throw ClusterServiceError(
                .invalidRequest,
                "Release \(id), which \(cluster.name) runs, is not here any more, and an update that fails goes back to it; import it again.",
                cluster: cluster.name.rawValue)
        }
        return release
    }

    private func invalid(_ message: String) -> ClusterServiceError {
        ClusterServiceError(.invalidParameter, message, cluster: cluster.name.rawValue)
    }
}

extension Clusters {
    /// Moves a cluster to the newest release of a Kubernetes minor.
    public func updateVersion(_ name: String, _ request: VersionChange, as caller: Principal) async throws -> ClusterUpdate {
        var plain = request
        plain.clientRequestToken = nil
        let token = try UpdateToken(request.clientRequestToken, of: plain)
        return try await begin(name, "eks:UpdateClusterVersion", token, as: caller) { cluster in
            guard request.rollbackConfig == nil else {
                throw ClusterServiceError(
                    .invalidParameter, "rollbackConfig is not offered by Slipway (yet); leave it out.", cluster: name)
            }
            let choice = ReleaseChoice(cluster: cluster, releases: try await releases())
            try requireActive(cluster)
            return try choice.draft(to: try choice.newest(of: request.version), strategy: .blueGreen)
        }
    }

    /// Moves a cluster to one release.
    public func updateRelease(_ name: String, _ request: ReleaseChange, as caller: Principal) async throws -> ClusterUpdate {
        let action = request.strategy == .inPlace ? "slipway:PatchCluster" : "slipway:UpdateRelease"
        return try await begin(name, action, try UpdateToken(nil, of: request), as: caller) { cluster in
            let choice = ReleaseChoice(cluster: cluster, releases: try await releases())
            try requireActive(cluster)
            return try choice.draft(to: try choice.named(request), strategy: request.strategy)
        }
    }

    /// What has never served cannot go back to what served.
    func requireActive(_ cluster: Cluster) throws {
        guard cluster.status.activeSince != nil else {
            throw ClusterServiceError(
                .inUse, "Cluster \(cluster.name) is \(cluster.status.phase.rawValue); wait until it is active.",
                cluster: cluster.name.rawValue)
        }
    }
}
