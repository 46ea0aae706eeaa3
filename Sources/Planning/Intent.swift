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
    /// The name of the one member whose data etcd is to begin again from, the others' being given up.
    public var recovery: String?
    /// The cluster's data is to become that of a snapshot.
    public var restore: RestoreIntent?
    /// The update that is under way.
    public var update: UpdateIntent?
    /// The release that the last update has brought, while it is watched.
    public var proving: ProvingIntent?
    /// Its secrets' encryption, or the key's version, is being changed. With an update that is its start and can go back; without one it only goes forward.
    public var isResealing = false
    /// API servers have a key of its own for each secret, and ask their KMS plugin for it: version 1 of the interface.
    public var asksPluginForEachSecret = false

    /// A record of an update, of whatever kind, is in progress.
    public var isUpdating: Bool { update != nil || isResealing }

    public init(
        cluster: ClusterName, spec: ControlPlaneSpec, isDeleting: Bool, isEstablished: Bool, recovery: String? = nil,
        restore: RestoreIntent? = nil
    ) {
        self.cluster = cluster
        self.spec = spec
        self.isDeleting = isDeleting
        self.isEstablished = isEstablished
        self.recovery = recovery
        self.restore = restore
    }

    public init(_ cluster: Cluster) {
        self.init(
            cluster: cluster.name, spec: cluster.spec.controlPlane, isDeleting: cluster.metadata.deletionRequestedAt != nil,
            // From its first objects on there is something to lose.
            isEstablished: cluster.status.activeSince != nil || cluster.status.isBootstrapped)
        update = cluster.spec.update
        proving = cluster.spec.proving
        isResealing = cluster.spec.encryption?.updateID != nil
        asksPluginForEachSecret = cluster.spec.encryption.map { ([$0.target] + $0.older).contains { $0.interface == .v1 } } ?? false
        switch cluster.spec.restore?.source {
        case .volume(let name): recovery = name
        case .backup: restore = cluster.spec.restore
        case nil: break
        }
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
    /// How long the KMS plugin of an API server that is ready has not done its work, by the instance's name, in seconds.
    public var unsealingSeconds: [String: Double] = [:]
    /// Zones out of service or out of reach: nothing new is put there, and what is there leaves.
    public var unavailableZones: Set<ZoneName>
    /// Zones that were found impaired and are not out of service, yet: what is there may be about to go.
    public var impairedZones: Set<ZoneName> = []
    /// Single instances, by name, that were found dead in a way that costs whoever talks to them a timeout.
    public var isolatedInstances: Set<String>
    /// How long a zone has been out of service without a break, in seconds.
    public var unavailableSeconds: [ZoneName: Double]
    /// How long the endpoint has been draining an API server instance, by its name, in seconds.
    public var drainingSeconds: [String: Double]
    /// Members, by instance name, that led etcd a short while ago or lead it now.
    public var recentLeaders: Set<String>
    /// Somebody leads etcd who had not been seen to lead lately.
    public var hasNewLeader = false
    /// Members, by instance name, whose content was found to differ from that of the majority.
    public var corruptMembers: Set<String> = []
    /// etcd's members as the quorum knows them; nil when nobody was asked, or nobody answered.
    public var membership: [EtcdMembership]?
    /// How far the restore is that the intent asks for.
    public var restore: RestoreObservation?
    /// How instances have behaved on trial, by their names; kept while an update is under way.
    public var trials: [String: InstanceTrial] = [:]
    /// How long an instance has been ready without a break, by its name, in seconds; kept while an update is under way.
    public var readySeconds: [String: Double] = [:]
    /// Who leads among the controllers, by the component's name; looked for when no controllers of before an update run any more.
    public var leads: [String: ControllerLead] = [:]
    /// How long none of a controller has led for a while though those of before an update do not run any more, in seconds in which etcd had
    /// a quorum and every zone was in service and found well.
    public var leaderlessSeconds: Double = 0
    /// How long the update has been under way while every zone was in service and found well, in seconds.
    public var updateSeconds: Double = 0

    public init(
        substrate: SubstrateObservation = SubstrateObservation(), health: HealthObservation = HealthObservation(),
        isBootstrapped: Bool = false, unreadySeconds: [String: Double] = [:], unavailableZones: Set<ZoneName> = [],
        isolatedInstances: Set<String> = [], unavailableSeconds: [ZoneName: Double] = [:], drainingSeconds: [String: Double] = [:],
        recentLeaders: Set<String> = [], membership: [EtcdMembership]? = nil
    ) {
        self.substrate = substrate
        self.health = health
        self.isBootstrapped = isBootstrapped
        self.unreadySeconds = unreadySeconds
        self.unavailableZones = unavailableZones
        self.isolatedInstances = isolatedInstances
        self.unavailableSeconds = unavailableSeconds
        self.drainingSeconds = drainingSeconds
        self.recentLeaders = recentLeaders
        self.membership = membership
    }
}

/// That a controller manager or scheduler leads, and so is at work.
public struct ControllerLead: Codable, Hashable, Sendable {
    /// The name of the instance beside whose API server it runs, as it takes it for the machine's name.
    public var instance: String
    /// Since it began to lead.
    public var seconds: Double

    public init(instance: String, seconds: Double) {
        self.instance = instance
        self.seconds = seconds
    }
}

/// One entry of etcd's list of members.
public struct EtcdMembership: Codable, Hashable, Sendable {
    /// Of its peer URL: what tells which member of the cluster's it is.
    public var address: IPv4Address
    /// Copies the log and does not vote.
    public var isLearner: Bool
    /// False between its entry and its first start: nothing was ever acknowledged by it.
    public var hasStarted: Bool

    public init(address: IPv4Address, isLearner: Bool, hasStarted: Bool) {
        self.address = address
        self.isLearner = isLearner
        self.hasStarted = hasStarted
    }
}

/// What the planner may do.
public struct PlanningPolicy: Codable, Hashable, Sendable {
    /// Invariant 2: ready API servers behind the endpoint never fall below this by Slipway's hand.
    public var minimumReadyAPIServers = 2
    /// An API server instance that is unready for this long, in seconds, is replaced.
    public var replaceUnreadyAfter: Double = 300

    /// The same of one whose KMS plugin does not do its work for this time, in seconds, while another's does.
    public var replaceUnsealingAfter: Double = 60

    /// An outdated etcd member that does not answer for this long, in seconds, is replaced without asking who leads.
    public var replaceDeadMemberAfter: Double = 10

    /// An API server that is drained is ended, with a word to its clients, after this time in seconds though some stay.
    public var drainLimit: Double = 30
    /// The same in a zone that is evacuated.
    public var evacuationDrainLimit: Double = 3
    /// How long, in seconds, an evacuated zone whose API servers serve well waits for others in their place.
    public var evacuationPatience: Double = 20
    /// An etcd member that does not answer for less than this time, in seconds, may be at an election: it counts as a vote when
    /// somebody is fenced off who does not answer at all.
    public var electionPatience: Double = 5
    /// How long, in seconds, etcd must have ended again and again over its own data before the member is made anew.
    public var rebuildAfter: Double = 15

    /// While an update is under way.
    public var update = UpdatePolicy()

    public init() {}
}
