import FleetModel

/// Asks a cluster's components how they are.
public protocol HealthProbe: Sendable {
    /// Never throws: what does not answer in time is not healthy. Bounded by about two seconds.
    func probe(_ target: ProbeTarget) async -> HealthObservation
}

/// Whom to ask.
public struct ProbeTarget: Sendable {
    /// Whose authorities and identities the answers are checked with.
    public var cluster: Cluster
    public var etcdMembers: [Instance]
    public var apiServers: [Instance]
    /// Names of those that are out of service: an answer that they do not give at once is not waited for.
    public var suspects: Set<String>
    /// Somebody is to be cut off, and clients wait for it: whoever is kept waiting by the same death (an API server that asks the dead
    /// etcd member) is not waited for either.
    public var isUrgent: Bool

    public struct Instance: Hashable, Sendable {
        public var name: String
        public var address: IPv4Address
        /// Of an API server; nil: the usual one.
        public var port: UInt16?

        public init(name: String, address: IPv4Address, port: UInt16? = nil) {
            self.name = name
            self.address = address
            self.port = port
        }
    }

    public init(
        cluster: Cluster, etcdMembers: [Instance], apiServers: [Instance], suspects: Set<String> = [], isUrgent: Bool = false
    ) {
        self.cluster = cluster
        self.etcdMembers = etcdMembers
        self.apiServers = apiServers
        self.suspects = suspects
        self.isUrgent = isUrgent
    }
}

public struct HealthObservation: Codable, Hashable, Sendable {
    /// By instance name; what did not answer is missing.
    public var etcdMembers: [String: EtcdMemberHealth]
    public var apiServers: [String: APIServerHealth]
    /// Members of etcd that answer late, or not in time, while another one answers much sooner.
    public var slowMembers: Set<String> = []

    public init(etcdMembers: [String: EtcdMemberHealth] = [:], apiServers: [String: APIServerHealth] = [:]) {
        self.etcdMembers = etcdMembers
        self.apiServers = apiServers
    }
}

public struct EtcdMemberHealth: Codable, Hashable, Sendable {
    /// It has a leader and answers a linearizable read.
    public var isHealthy: Bool
    public var isLeader: Bool

    public init(isHealthy: Bool, isLeader: Bool) {
        self.isHealthy = isHealthy
        self.isLeader = isLeader
    }
}

public struct APIServerHealth: Codable, Hashable, Sendable {
    /// Its `/readyz` says ok, or fails for nothing but the KMS plugin, without which most is served all the same.
    public var isReady: Bool
    /// The KMS plugin beside it does its work, or it needs none.
    public var isSealing: Bool
    /// Of one that is not ready, what it said: the names of the checks that fail, or the answer's status.
    public var problem: String?

    public init(isReady: Bool, isSealing: Bool = true, problem: String? = nil) {
        self.problem = problem
        self.isReady = isReady
        self.isSealing = isSealing
    }
}
