import Foundation

/// What was seen of a cluster.
public struct ClusterStatus: Codable, Hashable, Sendable {
    public var phase: ClusterPhase = .creating
    /// The newest generation that the status speaks of.
    public var observedGeneration: Int64 = 0
    public var conditions: [Condition] = []
    /// Why the planner does nothing more just now.
    public var waits: [Wait] = []
    /// What was done, oldest first; the last `ClusterStatus.stepLimit` of them.
    public var steps: [StepRecord] = []
    public var instances: [InstanceSummary] = []
    /// `https://ADDRESS`; set when it is known where the endpoint will be.
    public var endpoint: String?
    /// What clients verify API servers with: the cluster CA's certificate, PEM; two of them during a rotation.
    public var certificateAuthority: String?
    public var activeSince: Date?
    /// The Kubernetes objects that Slipway keeps in the cluster were made.
    public var isBootstrapped = false
    /// How the last restore ended.
    public var lastRestore: RestoreRecord?
    /// All API servers are what the spec of that generation wants, and serve, whatever else is amiss; nil: not so.
    public var areAPIServersThrough: Bool?
    /// Nil until etcd was looked at.
    public var etcd: EtcdReport?

    /// How many steps are kept.
    public static let stepLimit = 64

    public init() {}

    /// Adds steps; the oldest go.
    public mutating func add(_ steps: [StepRecord]) { self.steps = (self.steps + steps).suffix(Self.stepLimit) }

    /// Adds a step that was done in the moment in which it is written down.
    public mutating func note(_ title: String, at now: Date) { add([StepRecord(title: title, startedAt: now, finishedAt: now)]) }
}

/// The values of the EKS API's `ClusterStatus`.
public enum ClusterPhase: String, Codable, Hashable, Sendable, CaseIterable {
    case creating = "CREATING", active = "ACTIVE", deleting = "DELETING", failed = "FAILED", updating = "UPDATING"
    case pending = "PENDING"
}

/// A reason for not acting, for an operator to read.
public struct Wait: Codable, Hashable, Sendable, CustomStringConvertible {
    /// One CamelCase word.
    public var reason: String
    /// For people: "etcd-local-1b is catching up; 1 of 3 members may be down".
    public var message: String

    public init(_ reason: String, _ message: String) {
        self.reason = reason
        self.message = message
    }

    public var description: String { message }
}

/// One action that was carried out.
public struct StepRecord: Codable, Hashable, Sendable {
    /// "start instance etcd-local-1a".
    public var title: String
    public var startedAt: Date
    public var finishedAt: Date?
    /// Set when it failed.
    public var error: String?
    /// The instance whose processes it starts or ends.
    public var instance: String?

    public init(title: String, startedAt: Date, finishedAt: Date? = nil, error: String? = nil, instance: String? = nil) {
        self.instance = instance
        self.title = title
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.error = error
    }
}

/// One instance, for operators.
public struct InstanceSummary: Codable, Hashable, Sendable {
    public var name: String
    public var role: InstanceRole
    public var zone: ZoneName?
    public var address: IPv4Address
    public var release: ReleaseID?
    /// `ready`, `starting`, `stopped`…
    public var state: String
    /// The etcd member that leads.
    public var isLeader: Bool
    /// Everybody else gets a reset instead of silence from its address.
    public var isFenced: Bool?
    /// A member of etcd that joins the others, and serves no clients yet; else nil.
    public var isJoining: Bool?
    /// When the first of its certificates ends; nil where that is not known, of instances that were made before it was noted.
    public var certificatesExpireAt: Date?

    /// The `state` of one that does its work.
    public static let readyState = "ready"
    /// The `state` of one that runs and does not do its work yet, or not any more.
    public static let startingState = "starting"

    /// It runs, as far as can be seen from afar; else it is to be started.
    public var isThere: Bool { state == Self.readyState || state == Self.startingState }

    public init(
        name: String, role: InstanceRole, zone: ZoneName?, address: IPv4Address, release: ReleaseID?, state: String, isLeader: Bool,
        isFenced: Bool? = nil, isJoining: Bool? = nil, certificatesExpireAt: Date? = nil
    ) {
        self.name = name
        self.role = role
        self.zone = zone
        self.address = address
        self.release = release
        self.state = state
        self.isLeader = isLeader
        self.isFenced = isFenced
        self.isJoining = isJoining
        self.certificatesExpireAt = certificatesExpireAt
    }
}
