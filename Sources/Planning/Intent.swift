import FleetModel
import Substrate

/// What is wanted of one control plane.
public struct ControlPlaneIntent: Codable, Hashable, Sendable {
    public var cluster: ClusterName
    public var spec: ControlPlaneSpec
    /// Everything of the cluster is to go.
    public var isDeleting: Bool
    /// The cluster has served before: its volumes hold acknowledged writes, so an empty volume is a loss and not a start.
    public var isEstablished: Bool
    /// The cluster's data is to become that of a snapshot.
    public var restore: RestoreIntent?

    public init(
        cluster: ClusterName, spec: ControlPlaneSpec, isDeleting: Bool, isEstablished: Bool, restore: RestoreIntent? = nil
    ) {
        self.cluster = cluster
        self.spec = spec
        self.isDeleting = isDeleting
        self.isEstablished = isEstablished
        self.restore = restore
    }

    public init(_ cluster: Cluster) {
        self.init(
            cluster: cluster.name, spec: cluster.spec.controlPlane, isDeleting: cluster.metadata.deletionRequestedAt != nil,
            isEstablished: cluster.status.activeSince != nil, restore: cluster.spec.restore)
    }
}

/// What was seen of one control plane, from all sides.
public struct ControlPlaneObservation: Codable, Hashable, Sendable {
    public var substrate: SubstrateObservation
    public var health: HealthObservation
    /// The Kubernetes objects that Slipway keeps in the cluster are there.
    public var isBootstrapped: Bool
    /// How long an API server instance or etcd member has been unready without a break, by its name, in seconds.
    public var unreadySeconds: [String: Double]
    /// Zones out of service or out of reach: nothing new is put there.
    public var unavailableZones: Set<ZoneName>
    /// How far the restore is that the intent asks for.
    public var restore: RestoreObservation?

    public init(
        substrate: SubstrateObservation = SubstrateObservation(), health: HealthObservation = HealthObservation(),
        isBootstrapped: Bool = false, unreadySeconds: [String: Double] = [:], unavailableZones: Set<ZoneName> = []
    ) {
        self.substrate = substrate
        self.health = health
        self.isBootstrapped = isBootstrapped
        self.unreadySeconds = unreadySeconds
        self.unavailableZones = unavailableZones
    }
}

/// What the planner may do.
public struct PlanningPolicy: Codable, Hashable, Sendable {
    /// Invariant 2: ready API servers behind the endpoint never fall below this by Slipway's hand.
    public var minimumReadyAPIServers = 2
    /// An API server instance that is unready for this long, in seconds, is replaced.
    public var replaceUnreadyAfter: Double = 300

    /// An outdated etcd member that does not answer for this long, in seconds, is replaced without asking who leads.
    public var replaceDeadMemberAfter: Double = 10

    public init() {}
}
