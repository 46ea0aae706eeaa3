import FleetModel
import Substrate

/// A cluster's etcd member: its name, zone, address and volume never change.
struct EtcdMember {
    var id: InstanceID
    var volume: VolumeID
    var zone: ZoneName
    var intent: InstanceIntent

    static func all(of intent: ControlPlaneIntent) -> [EtcdMember] {
        intent.spec.memberZones.enumerated().map { index, zone in
            let id = InstanceID(cluster: intent.cluster, name: "etcd-\(zone)")
            let volume = VolumeID(cluster: intent.cluster, name: "etcd-\(zone)")
            return EtcdMember(
                id: id, volume: volume, zone: zone,
                intent: InstanceIntent(
                    id: id, role: .etcd, zone: zone, size: intent.spec.etcdSize, network: intent.spec.network,
                    address: intent.spec.network.etcdMember(index), volume: volume, release: intent.spec.etcdRelease,
                    configurationRevision: intent.spec.revision(of: .etcd)))
        }
    }
}

/// What is to be done about a cluster's etcd. Invariants 1, 3 and 5.
struct EtcdPlanner {
    var policy: PlanningPolicy

    struct Result {
        var actions: [Action] = []
        var waits: [Wait] = []
        /// Members that answer.
        var healthy = 0
        var wanted = 0
        /// Addresses of members that the others are to do without.
        var fenced: Set<IPv4Address> = []
    }

    func plan(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation, _ evacuation: Evacuation) -> Result {
        let members = EtcdMember.all(of: intent)
        var result = Result(wanted: members.count)
        var outdated: [EtcdMember] = []
        var down: [EtcdMember] = []
        let rebuild = MemberRebuildPlanner(policy: policy, intent: intent, observation: observation, evacuation: evacuation)
        let broken = members.filter { rebuild.concerns($0) }

        for member in members {
            let seen = observation.instance(member.id)
            let isHealthy = observation.isHealthy(member)
            if isHealthy { result.healthy += 1 } else { down.append(member) }
            if evacuation.contains(member) {
                leave(member, members, observation, evacuation, &result)
                if member.zone != evacuation.zone { result.waits.append(.isolated(member.id.name)) }
                // The others have to do without it, whatever it answers.
                if isHealthy { down.append(member) }
                // Whoever was found dead by itself comes back by answering: it is started, though fenced off still. Of what is no good
                // that is not waited for.
                guard member.zone != evacuation.zone, observation.isDown(member) || intent.update?.reversal != nil else { continue }
            }
            guard !broken.contains(where: { $0.id == member.id }) else { continue }
            guard hasUsableVolume(member, observation.substrate) else {
                result.waits.append(Wait("VolumeLost", "volume \(member.volume.name) is missing or cannot be read"))
                continue
            }
            switch seen?.state {
            case nil, .incomplete, .stopped:
                // Starting takes nothing away from anybody, so it never waits.
                result.actions.append(.startInstance(member.intent))
            case .running:
                if let seen, !member.intent.matches(seen) { outdated.append(member) }
                if !isHealthy { result.waits.append(Wait("EtcdNotHealthy", waitText(member, down: 1, of: members.count))) }
            }
        }
        if let first = broken.first {
            if let dead = hopelessMember(outdated, members, observation) {
                result.actions.append(.replaceInstance(dead.intent))
                return result
            }
            // One after the other, and nothing else is taken down meanwhile.
            rebuild.plan(first, &result)
            result.waits += broken.dropFirst().map { rebuild.wait($0, "after \(first.id.name)") }
            return result
        }
        guard
            let next = replacementCandidate(
                outdated, members, intent, observation, evacuation, down: down, starting: !result.actions.isEmpty, &result)
        else { return result }
        result.actions.append(next)
        return result
    }

    /// Who does not answer is fenced off. Who answers hands over, lets the API servers of its zone go first, and is ended in
    /// order, since a reset in the middle of a write would fail that write.
    private func leave(
        _ member: EtcdMember, _ members: [EtcdMember], _ observation: ControlPlaneObservation, _ evacuation: Evacuation,
        _ result: inout Result
    ) {
        guard !observation.isGone(member) else {
            result.fenced.insert(member.intent.address)
            return
        }
        if observation.health.etcdMembers[member.id.name]?.isLeader == true {
            let heir = heir(of: member, members, observation, evacuation)
            if let heir { result.actions.append(.moveLeader(from: member.id, to: heir.id)) }
            return
        }
        let serving = observation.substrate.instances.filter {
            $0.role == .apiServer && $0.zone == member.zone && observation.isReady($0)
        }
        guard serving.isEmpty else {
            let names = serving.map(\.id.name).joined(separator: ", ")
            result.waits.append(Wait("Leaving", "\(member.id.name) goes when \(names) in its zone has gone"))
            return
        }
        result.actions.append(.retireInstance(member.id))
    }

    private func hasUsableVolume(_ member: EtcdMember, _ seen: SubstrateObservation) -> Bool {
        seen.volumes.contains { $0.id == member.volume && $0.isUsable }
    }

    private func waitText(_ member: EtcdMember, down: Int, of count: Int) -> String {
        "\(member.id.name) does not answer yet; at most \(down) of \(count) members may be down"
    }

    /// One member at a time, followers first; the leader hands over before it stops.
    private func replacementCandidate(
        _ outdated: [EtcdMember], _ members: [EtcdMember], _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation,
        _ evacuation: Evacuation, down: [EtcdMember], starting: Bool, _ result: inout Result
    ) -> Action? {
        guard !outdated.isEmpty, !starting else { return nil }
        // A member that is down already and outdated is the one to replace: the quorum loses nothing by it. Answers that are
        // missing do not make it so: while nobody else leads, it is this one, and only Slipway does not reach it. Nor is it replaced on
        // that word while another zone is out of service or not well: it may be the one that is needed then.
        if let dead = down.first, down.count == 1, outdated.contains(where: { $0.id == dead.id }),
            observation.unreadySeconds[dead.id.name, default: 0] > policy.replaceDeadMemberAfter
                || intent.update?.reversal != nil && observation.isolatedInstances.contains(dead.id.name),
            members.contains(where: { observation.isHealthy($0) && observation.health.etcdMembers[$0.id.name]?.isLeader == true }),
            observation.unavailableZones.union(observation.impairedZones).isSubset(of: [dead.zone])
        {
            return .replaceInstance(dead.intent)
        }
        if let dead = hopelessMember(outdated, members, observation) { return .replaceInstance(dead.intent) }
        guard down.isEmpty else {
            result.waits.append(
                Wait(
                    "EtcdQuorum",
                    "\(outdated.count) etcd members are to be replaced, but \(down.map(\.id.name).joined(separator: ", ")) must be healthy first"
                ))
            return nil
        }
        if let zone = observation.unavailableZones.min() {
            result.waits.append(
                Wait("ZoneOutOfService", "\(outdated.count) etcd members are to be replaced, after zone \(zone) is back in service"))
            return nil
        }
        if let zone = observation.impairedZones.min() {
            result.waits.append(.impaired(zone, "\(outdated.count) etcd members are not replaced"))
            return nil
        }
        if intent.update?.waitsForAPIServers == true, !observation.areAPIServersThrough(intent) {
            result.waits.append(Wait("APIServersFirst", "\(outdated.count) etcd members are replaced when the API servers are through"))
            return nil
        }
        if intent.update != nil, let young = youngMember(members, outdated, observation, intent) {
            result.waits.append(
                Wait(
                    "OnTrial", "the next etcd member is replaced when \(young.id.name) has answered for \(Int(policy.update.memberTrial)) s"
                ))
            return nil
        }
        guard members.count > 2 else {
            result.waits.append(Wait("EtcdNoSpare", "with \(members.count) etcd members none can be replaced without an outage"))
            return nil
        }
        let health = observation.health.etcdMembers
        if let follower = outdated.first(where: { health[$0.id.name]?.isLeader == false }) { return .replaceInstance(follower.intent) }
        guard let leader = outdated.first, let heir = heir(of: leader, members, observation, evacuation) else { return nil }
        return .moveLeader(from: leader.id, to: heir.id)
    }

    /// One that is not what it is to be, and answers nothing, while there is no quorum that could lose by its end: all others do not run,
    /// or say themselves that they are not healthy. By waiting for each other two that are down would stay so.
    private func hopelessMember(
        _ outdated: [EtcdMember], _ members: [EtcdMember], _ observation: ControlPlaneObservation
    ) -> EtcdMember? {
        outdated.first { member in
            let others = members.filter { $0.id != member.id }
            return isDeaf(member, observation) && others.contains { observation.saysNobodyLeads($0, policy) }
                && others.allSatisfy { other in
                    observation.isDown(other) || observation.saysNobodyLeads(other, policy)
                        || outdated.contains { $0.id == other.id } && isHopeless(other, observation)
                }
        }
    }

    /// It has answered nothing for long.
    private func isDeaf(_ member: EtcdMember, _ observation: ControlPlaneObservation) -> Bool {
        observation.health.etcdMembers[member.id.name] == nil
            && observation.unreadySeconds[member.id.name, default: 0] > policy.replaceDeadMemberAfter
    }

    /// It has ended again and again besides: nobody is to wait for it.
    private func isHopeless(_ member: EtcdMember, _ observation: ControlPlaneObservation) -> Bool {
        isDeaf(member, observation)
            && observation.trials[member.id.name]?.ends[ComponentKind.etcd.rawValue, default: 0] ?? 0 >= policy.update.endLimit
    }

    /// A new one that does not keep up with the others. What goes back does not wait for that.
    private func isSlow(_ member: EtcdMember, _ observation: ControlPlaneObservation, _ intent: ControlPlaneIntent) -> Bool {
        guard let update = intent.update, update.reversal == nil, let instance = observation.instance(member.id),
            update.isNew(instance, intent.spec), let trial = observation.trials[member.id.name]
        else { return false }
        return trial.failures > 0 || trial.recentFailures > 1
    }

    /// One that was replaced just now, and may still end.
    private func youngMember(
        _ members: [EtcdMember], _ outdated: [EtcdMember], _ observation: ControlPlaneObservation, _ intent: ControlPlaneIntent
    ) -> EtcdMember? {
        members.first { member in
            guard !outdated.contains(where: { $0.id == member.id }) else { return false }
            return observation.readySeconds[member.id.name, default: 0] < policy.update.memberTrial
                || observation.mayEndAgain(member.id.name, policy.update)
                || isSlow(member, observation, intent)
        }
    }

    /// Invariant 5: nobody who is out of service is to lead.
    private func heir(
        of leader: EtcdMember, _ members: [EtcdMember], _ observation: ControlPlaneObservation, _ evacuation: Evacuation
    ) -> EtcdMember? {
        members.first { member in
            member.id != leader.id && observation.isHealthy(member) && observation.instance(member.id).map(evacuation.isOut) == false
                && !observation.unavailableZones.contains(member.zone)
        }
    }
}
