import FleetModel
import Foundation

/// One cluster in a list.
public struct ClusterOverview: Codable, Hashable, Sendable {
    public var name: String
    /// `CREATING`, `ACTIVE`…: the EKS API's words.
    public var status: String
    public var version: String
    public var release: String
    /// All that it is made of, or would go back to.
    public var releasesInUse: Set<String>
    public var cell: String
    public var endpoint: String?
    public var createdAt: Date
    public var readyInstances: Int
    public var instanceCount: Int

    public init(_ cluster: Cluster, now: Date = .now) {
        name = cluster.name.rawValue
        status = cluster.status.phase.rawValue
        version = cluster.spec.controlPlane.version.minorVersion.description
        release = cluster.spec.controlPlane.release.rawValue
        let proving = cluster.spec.proving.flatMap { now < $0.until ? $0.update : nil }
        let specs = [cluster.spec.controlPlane] + [cluster.spec.update?.previous, proving?.previous].compactMap { $0 }
        let running = cluster.status.instances.compactMap(\.release) + [cluster.spec.update?.abandonedEtcdRelease].compactMap { $0 }
        releasesInUse = Set((specs.flatMap { [$0.release, $0.etcdRelease] } + running).map(\.rawValue))
        cell = cluster.cell.rawValue
        endpoint = cluster.status.endpoint
        createdAt = cluster.metadata.createdAt
        readyInstances = cluster.status.instances.count { $0.state == "ready" }
        instanceCount = cluster.status.instances.count
    }
}

/// Everything that an operator may see of a cluster; no secrets.
public struct ClusterDetail: Codable, Hashable, Sendable {
    public var name: String
    public var arn: String
    public var cell: String
    public var uid: String
    public var generation: Int64
    public var observedGeneration: Int64
    public var status: String
    public var version: String
    public var release: String
    public var zones: [String]
    public var network: String
    public var endpoint: String?
    /// PEM; two certificates during a rotation.
    public var certificateAuthority: String?
    public var creator: String
    public var createdAt: Date
    public var deletionRequestedAt: Date?
    public var activeSince: Date?
    public var conditions: [Condition]
    public var waits: [Wait]
    public var steps: [StepRecord]
    public var instances: [InstanceSummary]
    /// Set while the cluster is being restored.
    public var restore: RestoreIntent?
    public var lastRestore: RestoreRecord?
    /// Set while an update is under way.
    public var update: UpdateProgress?
    public var tags: [String: String]
    /// Nil: secrets are plain in etcd.
    public var encryption: EncryptionDetail?
    /// Nil: only those log in who have access entries.
    public var identityProvider: IdentityProviderDetail?
    /// Nil until there was one.
    public var rotation: RotationDetail?
    /// Nil until etcd was looked at.
    public var etcd: EtcdReport?

    public init(_ cluster: Cluster, arn: String) {
        let controlPlane = cluster.spec.controlPlane
        name = cluster.name.rawValue
        self.arn = arn
        cell = cluster.cell.rawValue
        uid = cluster.metadata.uid
        generation = cluster.metadata.generation
        observedGeneration = cluster.status.observedGeneration
        status = cluster.status.phase.rawValue
        version = controlPlane.version.minorVersion.description
        release = controlPlane.release.rawValue
        zones = controlPlane.zones.map(\.rawValue)
        network = controlPlane.network.block.description
        endpoint = cluster.status.endpoint
        certificateAuthority = cluster.status.certificateAuthority
        creator = cluster.spec.settings.creatorARN
        createdAt = cluster.metadata.createdAt
        deletionRequestedAt = cluster.metadata.deletionRequestedAt
        activeSince = cluster.status.activeSince
        conditions = cluster.status.conditions
        waits = cluster.status.waits
        steps = cluster.status.steps
        instances = cluster.status.instances
        restore = cluster.spec.restore
        update = cluster.spec.update.map { UpdateProgress($0) }
        lastRestore = cluster.status.lastRestore
        tags = cluster.spec.settings.tags
        encryption = cluster.spec.encryption.map { EncryptionDetail($0) }
        identityProvider = cluster.spec.identityProvider.map { IdentityProviderDetail($0) }
        rotation = cluster.spec.rotation.map { RotationDetail($0) }
        etcd = cluster.status.etcd
    }
}

/// A wanted cluster.
public struct ClusterRequest: Codable, Hashable, Sendable {
    public var name: String
    /// `1.33`; nil: the newest release.
    public var version: String?
    /// Nil: every zone of the region.
    public var zones: [String]?
    public var tags: [String: String]?
    /// Of etcd's database, in MiB; nil: the standard.
    public var etcdQuotaMiB: Int?

    public init(
        name: String, version: String? = nil, zones: [String]? = nil, tags: [String: String]? = nil, etcdQuotaMiB: Int? = nil
    ) {
        self.name = name
        self.version = version
        self.zones = zones
        self.tags = tags
        self.etcdQuotaMiB = etcdQuotaMiB
    }
}

/// That a cluster is to begin again from what was proposed.
public struct RecoveryRequest: Codable, Hashable, Sendable {
    /// The name of the proposal's source.
    public var source: String

    public init(source: String) { self.source = source }
}

/// Another size of a cluster's parts.
public struct ClusterResize: Codable, Hashable, Sendable {
    /// Of etcd's database, in MiB.
    public var etcdQuotaMiB: Int

    public init(etcdQuotaMiB: Int) { self.etcdQuotaMiB = etcdQuotaMiB }
}

public struct ClusterList: Codable, Sendable {
    public var clusters: [ClusterOverview]
    public init(clusters: [ClusterOverview]) { self.clusters = clusters }
}

/// One line of the stream that `watch` answers with.
public struct ClusterWatchLine: Codable, Sendable {
    /// The cluster as it is now; nil in a sign of life, and when it is gone.
    public var cluster: ClusterDetail?
    /// The last line: the cluster and everything of it is gone.
    public var isGone: Bool

    public init(cluster: ClusterDetail?, isGone: Bool = false) {
        self.cluster = cluster
        self.isGone = isGone
    }
}

/// A kubeconfig with a client certificate of the group `system:masters`.
public struct KubeconfigAnswer: Codable, Sendable {
    /// YAML.
    public var kubeconfig: String
    public var expiresAt: Date

    public init(kubeconfig: String, expiresAt: Date) {
        self.kubeconfig = kubeconfig
        self.expiresAt = expiresAt
    }
}
