import FleetModel
import Substrate

/// All that exists of one cluster, and the rules by which it lives. Pure: time comes in as an argument, and what would happen
/// by itself (a start that ends, an election) is worked out when somebody looks.
struct SimulatedCluster: Sendable {
    var network: NetworkObservation?
    var volumes: [SimulatedVolume] = []
    var instances: [SimulatedInstance] = []
    var balancer: SimulatedBalancer?
    /// Whoever has such an address reaches nobody else of the cluster, and is reached by nobody.
    var fenced: Set<IPv4Address> = []

    /// Who is a member of etcd: at first, every volume's.
    private(set) var roster = SimulatedRoster()
    private(set) var leader: String?
    private var leaderSince: Duration = .zero
    private var electableFrom: Duration = .zero
    private var elections = 0
    /// The newest write that a client was told is safe.
    private var acknowledged = 0
    /// Members whose volume a fault has destroyed.
    private var destroyed: Set<String> = []
    /// The etcd minor that all members have come to: an earlier one cannot read their data any more.
    private var storageMinor = 0
    /// When a process last ended because its release is no good.
    private(set) var lastEnd: Duration?
    /// What must never be, and was.
    private(set) var broken: [String] = []

    var isEmpty: Bool { network == nil && volumes.isEmpty && instances.isEmpty && balancer == nil }

    struct Surroundings {
        var now: Duration
        var timings: SimulatedTimings
        /// Zones out of reach or without power.
        var dark: Set<ZoneName>
        /// What was injected and stands.
        var faults: [Fault]

        func effects(on instance: SimulatedInstance) -> FaultEffects {
            if faults.isEmpty { return .none }
            return FaultEffects(of: faults, on: instance.id.holder, in: instance.zone, hasVolume: instance.volume != nil)
        }

        /// Whether anybody gets an answer from it, as far as faults go. (etcd ends itself when it cannot write.)
        func reaches(_ instance: SimulatedInstance) -> Bool {
            reaches(instance.id, in: instance.zone, hasVolume: instance.volume != nil)
        }

        func reaches(_ id: InstanceID, in zone: ZoneName, hasVolume: Bool) -> Bool {
            if dark.contains(zone) { return false }
            if faults.isEmpty { return true }
            let effects = FaultEffects(of: faults, on: id.holder, in: zone, hasVolume: hasVolume)
            return !effects.hasNoPower && !effects.isCutOff && !effects.isFrozen && !effects.hasFullDisk
        }
    }

    // MARK: Life

    /// Brings elections and writes up to date. Called before each look and around each change.
    mutating func settle(_ around: Surroundings) {
        for index in instances.indices where instances[index].flaw != nil {
            if let end = instances[index].live(until: around.now, restart: around.timings.restart) { lastEnd = max(end, lastEnd ?? end) }
        }
        for index in instances.indices where instances[index].standby?.flaw != nil {
            guard var seen = instances[index].standbyInstance else { continue }
            if let end = seen.live(until: around.now, restart: around.timings.restart) { lastEnd = max(end, lastEnd ?? end) }
            instances[index].standby?.component = seen.components[0]
        }
        guard !roster.voters.isEmpty else { return }
        let everyone = answeringMembers(around)
        roster.started(everyone.map(\.name))
        let answering = everyone.filter { roster.voters.contains($0.name) }
        let hasQuorum = answering.count * 2 > roster.voters.count
        if let leader, !hasQuorum || !answering.contains(where: { $0.name == leader }) {
            self.leader = nil
            electableFrom = around.now + around.timings.election
        }
        if leader == nil, hasQuorum {
            let formed = answering.map(\.since).sorted()[roster.voters.count / 2]
            let elected = max(formed, electableFrom)
            if elected <= around.now { elect(answering.filter { $0.since <= elected }.map(\.name), at: elected) }
        }
        write(everyone.map(\.name), around)
        raiseStorage(answering.map(\.name))
    }

    /// The leader raises the cluster's version when each member says that it has come to it (etcd, `server/etcdserver/version`).
    private mutating func raiseStorage(_ answering: [String]) {
        guard leader != nil, answering.count == roster.voters.count else { return }
        storageMinor = max(storageMinor, instances.filter { answering.contains($0.id.name) }.map(\.etcdMinor).min() ?? 0)
    }

    /// An instance has just been started.
    mutating func noteStart(of instance: SimulatedInstance) {
        guard instance.role == .etcd, instance.etcdMinor < storageMinor else { return }
        broken.append("invariant 4: \(instance.id.name) was started on \(instance.release), whose etcd cannot read its storage any more")
    }

    /// A running instance is what is asked for.
    func isAsWanted(_ spec: InstanceSpec) -> Bool {
        instances.contains { $0.id == spec.id && $0.state == .running && $0.isAsWanted(spec) }
    }

    /// Does through an API server what customers do.
    mutating func useAPIServer(at address: IPv4Address, isStandby: Bool, _ around: Surroundings) -> Result<Double, SubstrateError> {
        settle(around)
        guard let index = instances.firstIndex(where: { $0.address == address }),
            let server = isStandby ? instances[index].standbyInstance : instances[index], readySince(server, around) != nil
        else { return .failure(SubstrateError(.unavailable, "it does not answer")) }
        switch server.flaw {
        case .failsCheck: return .failure(SubstrateError(.failed, "create: 500"))
        case .isSlow(let seconds): return .success(seconds)
        default:
            if isStandby { instances[index].standby?.isProven = true } else { instances[index].isProven = true }
            return .success(0.05)
        }
    }

    func leads(_ around: Surroundings) -> [String: (instance: String, seconds: Double)] {
        let servers = instances.filter { $0.role == .apiServer && $0.state == .running && $0.flaw != .neverLeads }
        return ComponentKind.controllers.reduce(into: [:]) { leads, kind in
            let up = servers.compactMap { server -> (instance: String, seconds: Double)? in
                let seen = server.observation(now: around.now, around.effects(on: server)).components
                return seen.first { $0.kind == kind && $0.isUp }.map { (server.id.name, $0.seconds) }
            }
            leads[kind.rawValue] = up.max { $0.seconds < $1.seconds }
        }
    }

    private func answeringMembers(_ around: Surroundings) -> [(name: String, since: Duration)] {
        instances.compactMap { instance in
            guard instance.role == .etcd, instance.isFit, instance.etcdMinor >= storageMinor, around.reaches(instance),
                !fenced.contains(instance.address), roster.contains(instance.id.name),
                let start = instance.runningSince(.etcd, now: around.now), start + around.timings.etcdStart <= around.now
            else { return nil }
            return (instance.id.name, start + around.timings.etcdStart)
        }
    }

    private mutating func elect(_ candidates: [String], at time: Duration) {
        leader = candidates[elections % candidates.count]
        leaderSince = time
        elections += 1
        let newest = volumes.filter { candidates.contains($0.id.name) }.map(\.written).max() ?? 0
        if newest < acknowledged {
            if destroyed.count * 2 < roster.voters.count {
                broken.append("invariant 6: acknowledged writes \(newest + 1) to \(acknowledged) are lost")
            }
            acknowledged = newest
        }
    }

    /// Clients write whenever an API server is ready; a write is told to be safe when a majority has it.
    private mutating func write(_ answering: [String], _ around: Surroundings) {
        guard leader != nil, instances.contains(where: { readySince($0, around) != nil }) else { return }
        acknowledged += 1
        for index in volumes.indices where answering.contains(volumes[index].id.name) { volumes[index].written = acknowledged }
    }

    /// Since when an API server is ready, if it is. Kubernetes: `/readyz` includes etcd.
    private func readySince(_ instance: SimulatedInstance, _ around: Surroundings) -> Duration? {
        guard instance.role == .apiServer, instance.isFit, leader != nil, around.reaches(instance),
            !fenced.contains(instance.address),
            let start = instance.runningSince(.apiServer, now: around.now)
        else { return nil }
        let since = max(start + around.timings.apiServerStart, leaderSince + around.timings.reconnect)
        return since <= around.now ? since : nil
    }

    mutating func moveLeader(to name: String, _ around: Surroundings) -> Bool {
        settle(around)
        guard leader != nil, roster.voters.contains(name), answeringMembers(around).contains(where: { $0.name == name }) else {
            return false
        }
        leader = name
        return true
    }

    /// A new volume is a member's.
    mutating func addVolume(_ volume: SimulatedVolume) {
        volumes.append(volume)
        roster.begin(volume.id.name)
    }

    mutating func place(_ name: String, at address: IPv4Address) { roster.place(name, at: address) }

    /// Changes who is a member of etcd, if there is a quorum to agree to it.
    mutating func changeRoster(_ around: Surroundings, _ change: (inout SimulatedRoster) -> Bool) -> Bool {
        settle(around)
        guard leader != nil, change(&roster) else { return false }
        // Who left and came back has its data from the others.
        destroyed = destroyed.filter { name in !roster.voters.contains(name) || !volumes.contains { $0.id.name == name } }
        settle(around)
        return true
    }

    /// A fault: the data is gone, and its instance with it.
    mutating func destroyVolume(_ id: VolumeID) {
        volumes.removeAll { $0.id == id }
        instances.removeAll { $0.volume == id }
        destroyed.insert(id.name)
    }

    // MARK: Looks

    func health(_ around: Surroundings) -> HealthObservation {
        var health = HealthObservation()
        for member in answeringMembers(around) {
            health.etcdMembers[member.name] = EtcdMemberHealth(isHealthy: leader != nil, isLeader: leader == member.name)
        }
        // Who is behind the fence answers Slipway, but reaches no other member.
        for instance in instances where fenced.contains(instance.address) && around.reaches(instance) {
            guard instance.role == .etcd, instance.runningSince(.etcd, now: around.now) != nil else { continue }
            health.etcdMembers[instance.id.name] = EtcdMemberHealth(isHealthy: false, isLeader: false)
        }
        let servers = instances + instances.compactMap(\.standbyInstance)
        for instance in servers where instance.role == .apiServer && around.reaches(instance) {
            guard instance.runningSince(.apiServer, now: around.now) != nil else { continue }
            health.apiServers[instance.id.name] = APIServerHealth(isReady: readySince(instance, around) != nil)
        }
        return health
    }

    func observation(_ around: Surroundings) -> SubstrateObservation {
        SubstrateObservation(
            network: network, volumes: volumes.map { VolumeObservation(id: $0.id, zone: $0.zone, isUsable: $0.isUsable) },
            instances: instances.map { $0.observation(now: around.now, around.effects(on: $0)) },
            loadBalancer: balancer.map { observation($0, around) },
            fenced: fenced)
    }

    private func observation(_ balancer: SimulatedBalancer, _ around: Surroundings) -> LoadBalancerObservation {
        let check = around.timings.healthCheck
        let isUp = balancer.startsAt <= around.now
        return LoadBalancerObservation(
            address: balancer.address, state: isUp ? .running : .stopped,
            backends: balancer.backends.map { backend in
                let instance = instances.first { $0.id.name == backend.name && $0.address == backend.address }
                let ready = instance.flatMap { readySince($0, around) }
                let isHealthy = isUp && ready.map { max($0, balancer.startsAt) + check <= around.now } == true
                let isLeft =
                    backend.admission == .closed || backend.admission == .drain && backend.since + around.timings.drain <= around.now
                return .init(
                    name: backend.name, address: backend.address, admission: backend.admission, isHealthy: isHealthy,
                    openSessions: isHealthy && !isLeft ? 3 : 0)
            }, access: balancer.access, trustRevision: balancer.trustRevision)
    }
}
