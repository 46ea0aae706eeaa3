import FleetModel
import Substrate

/// What a simulated instance is made of, as far as its life depends on it. One that nobody has described is good.
public struct SimulatedRelease: Hashable, Sendable {
    public var id: ReleaseID
    /// Of its etcd: data that all members of a later minor have taken over is refused by one of an earlier.
    public var etcdMinor: Int
    public var flaw: ReleaseFlaw?

    public init(id: ReleaseID, etcdMinor: Int, flaw: ReleaseFlaw? = nil) {
        self.id = id
        self.etcdMinor = etcdMinor
        self.flaw = flaw
    }
}

/// What is wrong with a release.
public enum ReleaseFlaw: Hashable, Sendable {
    /// Its programs are not what they should be: nothing is made of it.
    case cannotBeMade
    /// The component's process ends so long after each of its starts.
    case ends(ComponentKind, after: Duration)
    /// API servers run and never become ready.
    case neverReady
    /// API servers are ready, and what customers do fails.
    case failsCheck
    /// API servers are ready, and what customers do takes so long, in seconds.
    case isSlow(Double)
    /// etcd's members run and never answer.
    case doesNotJoin
    /// Controllers run and say that they are well, and never lead.
    case neverLeads

    /// Whether an instance of that role works and is found ready, as far as it goes by this.
    func isFit(_ role: InstanceRole) -> Bool {
        switch self {
        case .neverReady: role != .apiServer
        case .doesNotJoin: role != .etcd
        case .cannotBeMade, .ends, .failsCheck, .isSlow, .neverLeads: true
        }
    }
}

extension SimulatedInstance {
    /// It may answer, some time after its start.
    var isFit: Bool { !isWedged && flaw?.isFit(role) != false }

    /// A process that ends by itself is started again by supervision.
    /// - Returns: when it last ended, if it has since the last look.
    mutating func live(until now: Duration, restart: Duration) -> Duration? {
        guard case .ends(let kind, let after) = flaw, state == .running else { return nil }
        var last: Duration?
        for index in components.indices where components[index].kind == kind {
            while components[index].startsAt + after <= now {
                last = components[index].startsAt + after
                components[index].startsAt += after + restart
                components[index].processID += 1 << 16
            }
        }
        return last
    }
}

extension SimulatedSubstrate {
    /// Says what releases are like.
    public func setReleases(_ releases: [SimulatedRelease]) {
        disturb { region, _ in
            region.releases = Dictionary(releases.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// When a process of the cluster last ended because its release is no good; nil when none did.
    public func lastEnd(in cluster: ClusterName) -> Duration? {
        var end: Duration?
        disturb { region, now in
            if region.clusters[cluster] != nil { end = region.change(cluster, now) { $0.lastEnd } }
        }
        return end
    }

    /// Which instance's controllers lead, by the component's name, and for how many seconds: whoever is there first does.
    public func leads(of cluster: ClusterName) -> [String: (instance: String, seconds: Double)] {
        var leads: [String: (instance: String, seconds: Double)] = [:]
        disturb { region, now in
            guard region.clusters[cluster] != nil else { return }
            let around = region.around(now)
            leads = region.change(cluster, now) { $0.leads(around) }
        }
        return leads
    }

    /// What comes of doing through an API server what customers do: how long it took, in seconds.
    /// - Throws: `SubstrateError` (`failed`) with what went wrong.
    public func useAPIServer(at address: IPv4Address, isStandby: Bool, of cluster: ClusterName) throws -> Double {
        var result: Result<Double, SubstrateError> = .failure(SubstrateError(.unavailable, "it does not answer"))
        disturb { region, now in
            let around = region.around(now)
            if region.clusters[cluster] != nil {
                result = region.change(cluster, now) { $0.useAPIServer(at: address, isStandby: isStandby, around) }
            }
        }
        return try result.get()
    }

    /// Names of API servers, standbys' among them, through which somebody has done, without fail, what customers do, since they were made.
    public func provenAPIServers(of cluster: ClusterName) -> Set<String> {
        var names: Set<String> = []
        disturb { region, _ in
            let instances = region.clusters[cluster]?.instances ?? []
            names = Set((instances + instances.compactMap(\.standbyInstance)).filter(\.isProven).map(\.id.name))
        }
        return names
    }
}
