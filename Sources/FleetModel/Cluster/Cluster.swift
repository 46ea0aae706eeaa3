import Foundation

/// What the customer owns; its control plane is what Slipway runs.
public struct Cluster: Codable, Hashable, Sendable {
    public var name: ClusterName
    public var cell: CellName
    public var metadata: Metadata
    public var spec: ClusterSpec
    public var status: ClusterStatus

    public init(name: ClusterName, cell: CellName, metadata: Metadata, spec: ClusterSpec, status: ClusterStatus = ClusterStatus()) {
        self.name = name
        self.cell = cell
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// What is wanted of a cluster.
public struct ClusterSpec: Codable, Hashable, Sendable {
    /// What the planner works towards.
    public var controlPlane: ControlPlaneSpec
    /// What the customer said through the EKS API, kept to be said back.
    public var settings: ClusterSettings
    /// Set while the cluster's data is to become that of a snapshot.
    public var restore: RestoreIntent?
    /// Set once the cluster's secrets are to be encrypted, and for ever from then on: as in EKS, it cannot be undone.
    public var encryption: EncryptionIntent?

    public init(controlPlane: ControlPlaneSpec, settings: ClusterSettings) {
        self.controlPlane = controlPlane
        self.settings = settings
    }
}

/// The shape of a control plane: everything that changes running components, and nothing else does.
public struct ControlPlaneSpec: Codable, Hashable, Sendable {
    public var release: ReleaseID
    /// The release's Kubernetes version.
    public var version: KubernetesVersion
    /// Raised by one when flags or certificates of running components are to change.
    public var configurationRevision: Int
    /// In order; one etcd member in each of the first three.
    public var zones: [ZoneName]
    /// 2 or more.
    public var apiServerCount: Int
    public var etcdSize: InstanceSize
    public var apiServerSize: InstanceSize
    public var network: ClusterNetwork

    public init(
        release: ReleaseID, version: KubernetesVersion, configurationRevision: Int = 1, zones: [ZoneName], apiServerCount: Int = 2,
        etcdSize: InstanceSize = .etcdSmall, apiServerSize: InstanceSize = .apiServerSmall, network: ClusterNetwork
    ) {
        self.release = release
        self.version = version
        self.configurationRevision = configurationRevision
        self.zones = zones
        self.apiServerCount = apiServerCount
        self.etcdSize = etcdSize
        self.apiServerSize = apiServerSize
        self.network = network
    }
}
