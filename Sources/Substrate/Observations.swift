import FleetModel
import Foundation

/// What exists of one cluster on a substrate, found by looking; half-made things included.
public struct SubstrateObservation: Codable, Hashable, Sendable {
    public var network: NetworkObservation?
    public var volumes: [VolumeObservation]
    public var instances: [InstanceObservation]
    public var loadBalancer: LoadBalancerObservation?
    /// Addresses that `ensureFence` has made fail, everywhere.
    public var fenced: Set<IPv4Address>

    public init(
        network: NetworkObservation? = nil, volumes: [VolumeObservation] = [], instances: [InstanceObservation] = [],
        loadBalancer: LoadBalancerObservation? = nil, fenced: Set<IPv4Address> = []
    ) {
        self.network = network
        self.volumes = volumes
        self.instances = instances
        self.loadBalancer = loadBalancer
        self.fenced = fenced
    }

    public var isEmpty: Bool { network == nil && volumes.isEmpty && instances.isEmpty && loadBalancer == nil }
}

public struct NetworkObservation: Codable, Hashable, Sendable {
    /// Nil when it could not be read off what is there.
    public var network: ClusterNetwork?
    /// False when a part is missing: `ensureNetwork` completes it.
    public var isComplete: Bool

    public init(network: ClusterNetwork?, isComplete: Bool) {
        self.network = network
        self.isComplete = isComplete
    }
}

public struct VolumeObservation: Codable, Hashable, Sendable {
    public var id: VolumeID
    public var zone: ZoneName?
    /// False once its data cannot be read.
    public var isUsable: Bool

    public init(id: VolumeID, zone: ZoneName?, isUsable: Bool = true) {
        self.id = id
        self.zone = zone
        self.isUsable = isUsable
    }
}

public struct InstanceObservation: Codable, Hashable, Sendable {
    public var id: InstanceID
    public var role: InstanceRole
    public var zone: ZoneName
    public var address: IPv4Address
    public var volume: VolumeID?
    public var sizeName: String
    public var release: ReleaseID
    public var configurationRevision: Int
    public var state: State
    /// It was started to join members that are there: see `InstanceSpec.isJoining`.
    public var isJoining: Bool
    public var components: [ComponentObservation]
    /// As its spec said; nil for instances of before that was noted.
    public var certificatesExpireAt: Date?
    /// A second API server that is there to take over; of running instances.
    public var standby: StandbyServer?
    /// A standby has taken over, and what is left of the server before it has not gone yet.
    public var isHandingOver = false
    /// Its controllers were told to end, and stay down: see `Substrate.stopControllers`.
    public var hasStoppedControllers = false
    /// At which Slipway's host reaches its API server and no other, at its address; nil: the usual one.
    public var serverPort: UInt16?

    /// Those that are of its release: what runs beside a server that has just taken over is of the release of before.
    public var ownComponents: [ComponentObservation] { isHandingOver ? components.filter { $0.kind == .apiServer } : components }

    /// None of its controllers runs, and none is to.
    public var hasNoControllers: Bool {
        hasStoppedControllers && !components.contains { ComponentKind.controllers.contains($0.kind) && $0.processID != nil }
    }

    public enum State: String, Codable, Hashable, Sendable {
        /// Something of it exists, but not all: `ensureInstance` completes it.
        case incomplete
        case running
        /// It was complete and its supervision is gone (power loss, host restart): `ensureInstance` starts it again.
        case stopped
    }

    public init(
        id: InstanceID, role: InstanceRole, zone: ZoneName, address: IPv4Address, volume: VolumeID?, sizeName: String, release: ReleaseID,
        configurationRevision: Int, state: State, components: [ComponentObservation], isJoining: Bool = false,
        certificatesExpireAt: Date? = nil
    ) {
        self.id = id
        self.role = role
        self.zone = zone
        self.address = address
        self.volume = volume
        self.sizeName = sizeName
        self.release = release
        self.configurationRevision = configurationRevision
        self.state = state
        self.components = components
        self.isJoining = isJoining
        self.certificatesExpireAt = certificatesExpireAt
    }
}

public struct ComponentObservation: Codable, Hashable, Sendable {
    public var kind: ComponentKind
    public var isUp: Bool
    /// Of the running process; nil when down.
    public var processID: Int32?
    /// Seconds in its present state.
    public var seconds: Double
    /// Why it is not started, for people: its program's content is not what its release says.
    public var problem: String?
    /// How often its process has ended without having been asked to, since its instance was started. Nil: nobody counts.
    public var ends: Int?
    /// How many of these were by somebody's signal (SIGKILL, SIGTERM, SIGINT) or in good order (status 0), as on a signal, and so perhaps
    /// not its own doing.
    public var kills = 0
    /// What it said when it last ended by itself, while it does not stay up; nil when it does, or said nothing.
    public var lastWords: String?

    public init(
        kind: ComponentKind, isUp: Bool, processID: Int32?, seconds: Double, problem: String? = nil, ends: Int? = nil,
        kills: Int = 0, lastWords: String? = nil
    ) {
        self.kind = kind
        self.isUp = isUp
        self.processID = processID
        self.seconds = seconds
        self.problem = problem
        self.ends = ends
        self.kills = kills
        self.lastWords = lastWords
    }
}

public struct LoadBalancerObservation: Codable, Hashable, Sendable {
    public var address: IPv4Address
    /// `running` only when it takes connections.
    public var state: InstanceObservation.State
    public var backends: [Backend]
    /// Who reaches it; nil: everybody.
    public var access: EndpointAccess?
    /// As its spec said; 0 for one of before that was noted.
    public var trustRevision: Int

    public struct Backend: Codable, Hashable, Sendable {
        public var name: String
        public var address: IPv4Address
        public var admission: LoadBalancerSpec.Admission
        /// The balancer's own health check.
        public var isHealthy: Bool
        public var openSessions: Int

        public init(name: String, address: IPv4Address, admission: LoadBalancerSpec.Admission, isHealthy: Bool, openSessions: Int) {
            self.name = name
            self.address = address
            self.admission = admission
            self.isHealthy = isHealthy
            self.openSessions = openSessions
        }
    }

    public init(
        address: IPv4Address, state: InstanceObservation.State, backends: [Backend], access: EndpointAccess? = nil, trustRevision: Int = 0
    ) {
        self.access = access
        self.trustRevision = trustRevision
        self.address = address
        self.state = state
        self.backends = backends
    }
}
