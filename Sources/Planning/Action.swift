import FleetModel
import Substrate

/// One thing to do. Each is idempotent and bounded in time, and may be repeated or lost.
public enum Action: Codable, Hashable, Sendable {
    case ensureNetwork(NetworkSpec)
    case ensureVolume(VolumeSpec)
    /// Makes, completes or starts an instance that serves nobody now.
    case startInstance(InstanceIntent)
    /// Takes a running instance down and makes it anew with the same address and volume.
    case replaceInstance(InstanceIntent)
    /// Starts an API server of the intent's release beside the one that an instance has.
    case ensureStandby(InstanceIntent)
    /// That one takes over.
    case promoteStandby(InstanceIntent)
    /// The API server that was there before ends, and what is beside it is exchanged.
    case finishHandover(InstanceID)
    case removeStandby(InstanceID)
    /// Ends the controllers beside an API server that goes; what they led is given back.
    case stopControllers(InstanceID)
    /// Of one that stays after all.
    case startControllers(InstanceID)
    /// Hands etcd's leadership from one member to another.
    case moveLeader(from: InstanceID, to: InstanceID)
    case removeInstance(InstanceID)
    /// Removes an instance that may still serve somebody: its components finish what they have begun and send their clients away.
    case retireInstance(InstanceID)
    /// Ends a member's membership in etcd. Its volume is worthless from then on.
    case removeMember(InstanceID)
    /// Enters a member that has no data yet, as a learner.
    case addMember(InstanceID, IPv4Address)
    /// Makes a learner that has caught up a voter.
    case promoteMember(InstanceID, IPv4Address)
    /// Makes exactly these addresses of the cluster fail at once for everybody else; none: lifts the fence.
    case ensureFence(ClusterName, Set<IPv4Address>)
    /// Ends, once, the API servers' open connections to these etcd members.
    case resetClients(ClusterName, Set<IPv4Address>)
    /// Gives up a member's data and starts it empty under its old membership; only in a recovery.
    case remakeMember(InstanceIntent)
    /// A quorum is there again: the recovery is over.
    case finishRecovery(ClusterName)
    case ensureLoadBalancer(LoadBalancerIntent)
    case bootstrapKubernetes(ClusterName)
    /// Does through this API server what customers do; when that goes wrong, through `baseline` too, which serves.
    /// - Parameter baseline: of one that serves.
    case checkInstance(InstanceID, ServerAddress, baseline: ServerAddress?)
    case removeLoadBalancer(ClusterName)
    case removeVolume(VolumeID)
    case removeNetwork(ClusterName)
    /// Brings a restore's snapshot here and checks it by restoring it into an etcd of its own. Touches nothing of the cluster.
    case prepareRestore(RestoreIntent)
    /// Makes the data of a member, which does not run, that of the snapshot.
    case restoreMember(InstanceIntent, RestoreIntent)
    /// All is restored and serves: what was kept for the restore goes.
    case finishRestore(RestoreIntent)
    /// The snapshot cannot be used, and nothing was touched; why.
    case abandonRestore(RestoreIntent, String)

    /// What reads a whole database takes longer than the usual limit: seconds; nil for the usual.
    public var timeLimit: Double? {
        switch self {
        case .prepareRestore, .restoreMember: 3600
        default: nil
        }
    }

    /// For people: "start instance etcd-local-1a".
    public var title: String {
        switch self {
        case .ensureNetwork(let spec): "make network \(spec.network.block)"
        case .ensureVolume(let spec): "make volume \(spec.id.name)"
        case .startInstance(let intent): "start instance \(intent.id.name)"
        case .replaceInstance(let intent): "replace instance \(intent.id.name)"
        case .ensureStandby(let intent): "start an API server of \(intent.release) beside that of \(intent.id.name)"
        case .promoteStandby(let intent): "let the API server of \(intent.release) on \(intent.id.name) take over"
        case .finishHandover(let id): "end the first API server on \(id.name)"
        case .removeStandby(let id): "end the second API server on \(id.name)"
        case .stopControllers(let id): "end the controllers on \(id.name)"
        case .startControllers(let id): "start the controllers on \(id.name) again"
        case .moveLeader(let from, let to): "move etcd leadership from \(from.name) to \(to.name)"
        case .removeInstance(let id): "remove instance \(id.name)"
        case .retireInstance(let id): "retire instance \(id.name)"
        case .removeMember(let id): "remove \(id.name) from etcd's members"
        case .addMember(let id, _): "add \(id.name) to etcd's members as a learner"
        case .promoteMember(let id, _): "make \(id.name) a voting member"
        case .ensureFence(_, let addresses):
            addresses.isEmpty ? "lift the fence" : "fence off \(addresses.sorted().map(\.description).joined(separator: ", "))"
        case .resetClients: "end what waits for the lost leader"
        case .remakeMember(let intent): "begin anew with an empty \(intent.id.name)"
        case .finishRecovery: "finish the recovery"
        case .ensureLoadBalancer(let intent):
            "point the endpoint at \(intent.backends.map { $0.admission == .ready ? $0.name : "\($0.name) (\($0.admission.rawValue))" }.joined(separator: ", "))"
        case .checkInstance(let id, _, _): id.isStandby ? "check the second API server on \(id.holder.name)" : "check \(id.name)"
        case .bootstrapKubernetes: "make Kubernetes roles and bindings, and wait for the controllers to lead"
        case .removeLoadBalancer: "remove load balancer"
        case .removeVolume(let id): "remove volume \(id.name)"
        case .removeNetwork: "remove network"
        case .prepareRestore(let restore): "check \(restore.summary) by restoring it into an etcd of its own"
        case .restoreMember(let member, let restore): "restore \(member.id.name) from \(restore.summary)"
        case .finishRestore(let restore): "finish the restore from \(restore.summary)"
        case .abandonRestore(let restore, let reason): "give up the restore from \(restore.summary): \(reason)"
        }
    }
}

/// Where an API server is reached.
public struct ServerAddress: Codable, Hashable, Sendable {
    public var address: IPv4Address
    /// Of a standby; nil: the usual one.
    public var port: UInt16?
    /// Controllers run beside it, which have to be well if it is to be.
    public var hasControllers: Bool

    public init(_ address: IPv4Address, port: UInt16? = nil, hasControllers: Bool) {
        self.address = address
        self.port = port
        self.hasControllers = hasControllers
    }
}

/// An instance as the planner wants it. The executor's renderer makes command lines and files of it.
public struct InstanceIntent: Codable, Hashable, Sendable {
    public var id: InstanceID
    public var role: InstanceRole
    public var zone: ZoneName
    public var size: InstanceSize
    public var network: ClusterNetwork
    public var address: IPv4Address
    public var volume: VolumeID?
    public var release: ReleaseID
    public var configurationRevision: Int
    /// An etcd member that comes to members that are there, with an empty volume. It answers its peers only.
    public var isJoining: Bool

    public init(
        id: InstanceID, role: InstanceRole, zone: ZoneName, size: InstanceSize, network: ClusterNetwork, address: IPv4Address,
        volume: VolumeID?, release: ReleaseID, configurationRevision: Int, isJoining: Bool = false
    ) {
        self.id = id
        self.role = role
        self.zone = zone
        self.size = size
        self.network = network
        self.address = address
        self.volume = volume
        self.release = release
        self.configurationRevision = configurationRevision
        self.isJoining = isJoining
    }

    /// The running instance differs from what is wanted in its release, and in nothing else.
    public func isOfAnotherRelease(_ seen: InstanceObservation) -> Bool {
        var same = self
        same.release = seen.release
        return release != seen.release && same.matches(seen)
    }

    /// The running instance is what is wanted.
    public func matches(_ seen: InstanceObservation) -> Bool {
        seen.address == address && seen.volume == volume && seen.release == release
            && seen.configurationRevision == configurationRevision && seen.sizeName == size.name && seen.zone == zone
            && seen.isJoining == isJoining
    }
}

/// The endpoint as the planner wants it.
public struct LoadBalancerIntent: Codable, Hashable, Sendable {
    public var cluster: ClusterName
    public var network: ClusterNetwork
    public var backends: [LoadBalancerSpec.Backend]
    /// Who reaches it; nil: everybody.
    public var access: EndpointAccess?
    /// Of the authorities that its checks trust.
    public var trustRevision: Int

    public init(
        cluster: ClusterName, network: ClusterNetwork, backends: [LoadBalancerSpec.Backend], access: EndpointAccess? = nil,
        trustRevision: Int = 0
    ) {
        self.access = access
        self.trustRevision = trustRevision
        self.cluster = cluster
        self.network = network
        self.backends = backends
    }
}

/// What to do now, all of it safe at the same time; and why nothing more.
public struct Plan: Codable, Hashable, Sendable {
    public var actions: [Action]
    public var waits: [Wait]
    public var outlook: Outlook
    /// All API servers are what is wanted, serve behind the endpoint, which is as wanted, too, and no other one is left.
    public var areAPIServersThrough: Bool

    /// Where the control plane stands.
    public enum Outlook: String, Codable, Hashable, Sendable {
        /// It does not serve yet, or not any more.
        case unavailable
        /// It serves, but something is to be repaired.
        case degraded
        /// All is as wanted.
        case healthy
        /// Nothing of a deleted cluster is left.
        case gone
    }

    public init(actions: [Action] = [], waits: [Wait] = [], outlook: Outlook) {
        self.actions = actions
        self.waits = waits
        self.outlook = outlook
        areAPIServersThrough = outlook == .healthy
    }
}
