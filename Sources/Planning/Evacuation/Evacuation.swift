import FleetModel
import Substrate

/// Who of a cluster is out of service or on the way there: the instances of an evacuated zone, and single ones that were found
/// dead. Invariant 5.
///
/// Who does not answer is fenced off at once. Who still answers leaves in order, so that no request fails: the leader hands
/// over, the endpoint drains its API servers, and what serves nobody any more is ended and only then fenced off.
struct Evacuation {
    /// The one zone that is emptied now.
    private(set) var zone: ZoneName?
    /// Members that the others do without.
    private(set) var members: [EtcdMember] = []
    private(set) var waits: [Wait] = []
    private let isolated: Set<String>

    init(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation, policy: PlanningPolicy) {
        isolated = observation.isolatedInstances
        zone = chosenZone(intent, observation)
        members = chosenMembers(intent, observation, policy)
        if let zone {
            waits.append(Wait("ZoneEvacuated", "zone \(zone) is out of service: nothing of this cluster is started or serves there"))
        }
    }

    func isOut(_ instance: InstanceObservation) -> Bool { instance.zone == zone || isolated.contains(instance.id.name) }

    func isIsolated(_ name: String) -> Bool { isolated.contains(name) }

    func contains(_ member: EtcdMember) -> Bool { members.contains { $0.id == member.id } }

    /// Never two zones: the one that has been begun with goes on.
    private mutating func chosenZone(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> ZoneName? {
        let zones = intent.spec.zones.filter { observation.unavailableZones.contains($0) }
        guard zones.count > 1 else { return zones.first }
        waits.append(
            Wait(
                "OneZoneAtATime",
                "zones \(zones.map(\.description).joined(separator: ", ")) are out of service; this cluster leaves at most one of them"))
        let fenced = observation.substrate.fenced
        let begun = EtcdMember.all(of: intent).first { fenced.contains($0.intent.address) && zones.contains($0.zone) }?.zone
        return begun ?? observation.substrate.instances.first { fenced.contains($0.address) && zones.contains($0.zone) }?.zone
    }

    /// Those that may go: fewer than half, while the others are a quorum by themselves.
    private mutating func chosenMembers(
        _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation, _ policy: PlanningPolicy
    ) -> [EtcdMember] {
        let all = EtcdMember.all(of: intent)
        let spare = (all.count - 1) / 2
        var candidates = all.filter { $0.zone == zone || isolated.contains($0.id.name) }
        let wanted = candidates
        if candidates.count > spare { candidates = wanted.filter { observation.substrate.fenced.contains($0.intent.address) } }
        if candidates.isEmpty || candidates.count > spare { candidates = wanted.filter { $0.zone == zone } }
        if candidates.count > spare { candidates = [] }
        let chosen = candidates.filter { member in
            let others = all.filter { other in !candidates.contains { $0.id == other.id } }
            // An election in progress is no reason to keep a dead one; but one that still votes goes only when it is not needed.
            let votes = others.count { other in
                observation.hasVote(other)
                    && (observation.isHealthy(other) || observation.isSilent(member) && observation.mayBeElecting(other, policy))
            }
            return votes * 2 > all.count
        }
        for member in wanted where !chosen.contains(where: { $0.id == member.id }) {
            waits.append(
                Wait("EvacuationQuorum", "\(member.id.name) stays: without it the healthy members would be no majority of \(all.count)"))
        }
        return chosen
    }
}

extension Wait {
    /// Of what has time while a zone is not well: one fault at a time.
    static func impaired(_ zone: ZoneName, _ what: String) -> Wait {
        Wait("ZoneImpaired", "\(what) until zone \(zone), which was found impaired, is well again or out of service")
    }

    /// Of a single instance that is out of service.
    static func isolated(_ name: String) -> Wait {
        Wait("Isolated", "\(name) was found dead and is fenced off; it is back in service when it has answered for a while")
    }
}

extension ControlPlaneObservation {
    func instance(_ id: InstanceID) -> InstanceObservation? { substrate.instances.first { $0.id == id } }

    func isHealthy(_ member: EtcdMember) -> Bool { health.etcdMembers[member.id.name]?.isHealthy == true }

    /// Nothing of it runs: it serves nobody, and to start it takes nothing away.
    func isDown(_ member: EtcdMember) -> Bool { instance(member.id)?.state != .running }

    /// Its answer counts for a quorum. One that joins answers before it votes.
    func hasVote(_ member: EtcdMember) -> Bool {
        guard let membership else { return instance(member.id)?.isJoining != true }
        return membership.contains { $0.address == member.intent.address && !$0.isLearner }
    }

    func isReady(_ server: InstanceObservation) -> Bool {
        server.state == .running && health.apiServers[server.id.name]?.isReady == true
    }

    /// The KMS plugin beside it runs and does its work, or there is none.
    public func isSealing(_ server: InstanceObservation) -> Bool {
        health.apiServers[server.id.name]?.isSealing != false && !server.components.contains { $0.kind == .kmsPlugin && !$0.isUp }
    }

    /// Its place behind the endpoint, and what the balancer says of it; nil when it has none.
    func backend(of instance: InstanceObservation) -> LoadBalancerObservation.Backend? {
        substrate.loadBalancer?.backends.first { $0.name == instance.id.name }
    }

    /// What the endpoint does with it; nil when it has no place there.
    func admission(of instance: InstanceObservation) -> LoadBalancerSpec.Admission? { backend(of: instance)?.admission }

    /// The endpoint sends traffic to it.
    func isBalanced(_ name: String) -> Bool {
        substrate.loadBalancer?.state == .running
            && substrate.loadBalancer?.backends.contains { $0.name == name && $0.admission == .ready && $0.isHealthy } == true
    }

    /// The member serves nobody any more: it does not answer, is fenced off, or was found dead.
    func isGone(_ member: EtcdMember) -> Bool {
        !isHealthy(member) || isolatedInstances.contains(member.id.name) || substrate.fenced.contains(member.intent.address)
            || instance(member.id)?.state != .running
    }

    /// What happens in the zone may be the zone's doing.
    func isDoubtful(_ zone: ZoneName) -> Bool { unavailableZones.contains(zone) || impairedZones.contains(zone) }

    /// It gives no vote now, whatever the reason.
    func isSilent(_ member: EtcdMember) -> Bool {
        !isHealthy(member) || substrate.fenced.contains(member.intent.address) || instance(member.id)?.state != .running
    }

    /// It answers, is cut off from nobody, and has not been healthy, which without a leader it is not, for longer than an election takes.
    func saysNobodyLeads(_ member: EtcdMember, _ policy: PlanningPolicy) -> Bool {
        hasNoLeader(member) && unreadySeconds[member.id.name, default: 0] > policy.electionPatience
    }

    /// It answers, is cut off from nobody, and says that it is not healthy.
    func hasNoLeader(_ member: EtcdMember) -> Bool {
        health.etcdMembers[member.id.name]?.isHealthy == false && !isolatedInstances.contains(member.id.name)
            && !substrate.fenced.contains(member.intent.address)
    }

    func mayBeElecting(_ member: EtcdMember, _ policy: PlanningPolicy) -> Bool {
        guard let seen = instance(member.id), seen.state == .running, !isolatedInstances.contains(member.id.name) else { return false }
        return unreadySeconds[member.id.name, default: 0] < policy.electionPatience
    }
}
