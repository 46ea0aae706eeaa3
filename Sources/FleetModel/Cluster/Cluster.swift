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
    /// Set once the cluster's authorities or its key of service-account tokens were to be rotated; nil: they are its first.
    public var rotation: RotationIntent?
    /// Set while an update is under way.
    public var update: UpdateIntent?
    /// The last update has ended well and brought another release, which is watched for some time yet.
    public var proving: ProvingIntent?

    public init(controlPlane: ControlPlaneSpec, settings: ClusterSettings) {
        self.controlPlane = controlPlane
        self.settings = settings
    }

    /// A record of an update of the cluster is in progress.
    public var isUpdating: Bool { update != nil || encryption?.updateID != nil }

    /// The update that is under way ends when all API servers can read what the encryption's key seals, and can go back until then: to
    /// plain secrets. What follows under the same record only goes forward.
    public var isStartingEncryption: Bool { update.map { $0.id == encryption?.updateID } ?? false }
}
