import FleetModel
import Substrate

/// Makes one etcd member anew from the others when its volume is gone or its data is damaged. Invariants 1, 3 and 6.
///
/// The old membership ends first, so that the member's old vote can never be given twice; then the volume goes, a new
/// membership begins as a learner, and the member starts empty, answering its peers only, until it has caught up and votes. Each
/// step shows in what is observed, so that an interruption at any point is continued from there.
struct MemberRebuildPlanner {
    var policy: PlanningPolicy
    var intent: ControlPlaneIntent
    var observation: ControlPlaneObservation
    var evacuation: Evacuation

    /// It is broken, or on its way back.
    func concerns(_ member: EtcdMember) -> Bool {
        guard intent.isEstablished, member.zone != evacuation.zone, !evacuation.contains(member) || observation.isDown(member) else {
            return false
        }
        return reason(member) != nil
    }

    private func reason(_ member: EtcdMember) -> (code: String, text: String)? {
        let name = member.id.name
        switch volume(member) {
        case nil: return ("VolumeLost", "volume \(member.volume.name) is gone")
        case .some(let volume) where !volume.isUsable: return ("VolumeBroken", "volume \(member.volume.name) cannot be read")
        case .some: break
        }
        if observation.corruptMembers.contains(member.id.name) {
            return ("ContentDiffers", "the content of \(name) differs from that of the others")
        }
        if isDamaged(member) { return ("DataDamaged", "etcd ends again and again over the data of volume \(member.volume.name)") }
        let instance = observation.instance(member.id)
        guard observation.membership != nil else {
            if instance?.isJoining == true { return ("Rebuilding", "\(name) joins the other members") }
            // Its volume may be one that was made for it to join with. While the others can be a quorum without it, they will say.
            let all = EtcdMember.all(of: intent)
            let isUnknown = instance == nil && all.count { !observation.isDown($0) } * 2 > all.count
            return isUnknown ? ("MembershipUnknown", "whether \(name) is a member still is not known") : nil
        }
        guard let entry = entry(member) else { return ("Rebuilding", "\(name) is no member any more") }
        return entry.isLearner || !entry.hasStarted ? ("Rebuilding", "\(name) joins the other members") : nil
    }

    private func volume(_ member: EtcdMember) -> VolumeObservation? {
        observation.substrate.volumes.first { $0.id == member.volume }
    }

    private func entry(_ member: EtcdMember) -> EtcdMembership? {
        observation.membership?.first { $0.address == member.intent.address }
    }

    /// Its content is another than the others', or it ends over its data.
    private func isDamaged(_ member: EtcdMember) -> Bool {
        observation.corruptMembers.contains(member.id.name) || observation.isDamaged(member, policy)
    }

    func wait(_ member: EtcdMember, _ when: String) -> Wait {
        let (code, text) = reason(member) ?? ("Rebuilding", member.id.name)
        return Wait(code, "\(text); the member is made anew from the others \(when), and never started empty without that")
    }

    /// The next step.
    func plan(_ member: EtcdMember, _ result: inout EtcdPlanner.Result) {
        let members = EtcdMember.all(of: intent)
        let others = members.filter { $0.id != member.id }
        let missing = others.filter { !observation.isHealthy($0) || evacuation.contains($0) }
        guard missing.isEmpty, others.count * 2 > members.count else {
            let names = missing.map(\.id.name).joined(separator: ", ")
            result.waits.append(wait(member, missing.isEmpty ? "when there are enough of them" : "when \(names) is healthy"))
            return
        }
        guard observation.membership != nil else {
            result.waits.append(wait(member, "once they have said who is a member"))
            return
        }
        if let next = step(member, heir: others[0]) {
            result.actions.append(next)
        } else {
            result.waits.append(wait(member, "now: it is starting"))
        }
    }

    private func step(_ member: EtcdMember, heir: EtcdMember) -> Action? {
        let instance = observation.instance(member.id)
        let volume = volume(member)
        guard let entry = entry(member) else {
            if instance != nil { return .removeInstance(member.id) }
            return volume != nil ? .removeVolume(member.volume) : .addMember(member.id, member.intent.address)
        }
        // First of all, while its last words are to be seen: it votes no more in any case.
        if isDamaged(member) { return .removeMember(member.id) }
        if entry.hasStarted, volume?.isUsable != true {
            // It may run on, on files that have lost their names.
            if observation.health.etcdMembers[member.id.name]?.isLeader == true { return .moveLeader(from: member.id, to: heir.id) }
            return instance != nil ? .removeInstance(member.id) : .removeMember(member.id)
        }
        var joining = member.intent
        joining.isJoining = true
        if entry.hasStarted {
            return instance?.state == .running ? .promoteMember(member.id, member.intent.address) : .startInstance(joining)
        }
        if let instance, !instance.isJoining { return .removeInstance(member.id) }
        guard let volume else { return .ensureVolume(VolumeSpec(id: member.volume, zone: member.zone)) }
        if !volume.isUsable { return instance != nil ? .removeInstance(member.id) : .removeVolume(member.volume) }
        return instance?.state == .running ? nil : .startInstance(joining)
    }
}

extension ControlPlaneObservation {
    /// It has ended over its data for some time; one crash may be anything.
    func isDamaged(_ member: EtcdMember, _ policy: PlanningPolicy) -> Bool {
        guard !isHealthy(member), unreadySeconds[member.id.name, default: 0] > policy.rebuildAfter else { return false }
        return instance(member.id)?.components.contains { part in
            part.kind == .etcd && part.lastWords.map(EtcdDamage.isData) == true
        } == true
    }

    /// Whether who is a member of etcd must be known to plan on: somebody is missing, or joins. It costs a call, so it is not
    /// asked for otherwise.
    public func needsMembership(_ intent: ControlPlaneIntent) -> Bool {
        guard intent.isEstablished, !intent.isDeleting else { return false }
        return EtcdMember.all(of: intent).contains { member in
            guard !unavailableZones.contains(member.zone), !isolatedInstances.contains(member.id.name) || isDown(member) else {
                return false
            }
            let hasVolume = substrate.volumes.contains { $0.id == member.volume && $0.isUsable }
            return !hasVolume || !isHealthy(member) || corruptMembers.contains(member.id.name) || instance(member.id)?.isJoining == true
        }
    }

    /// Those of the healthy members that nothing is known against; all of them when there are no others. Over a network that loses what
    /// is sent even giving up a question takes many seconds.
    public func dependableMembers(_ intent: ControlPlaneIntent) -> [InstanceID] {
        let healthy = healthyMembers(intent)
        let doubtful = unavailableZones.union(impairedZones)
        let dependable = healthy.filter { id in
            !isolatedInstances.contains(id.name) && instance(id).map { !doubtful.contains($0.zone) } == true
        }
        return dependable.isEmpty ? healthy : dependable
    }

    /// More than half of its members are healthy.
    public func hasEtcdQuorum(_ intent: ControlPlaneIntent) -> Bool {
        let members = EtcdMember.all(of: intent)
        return members.count { isHealthy($0) } * 2 > members.count
    }

    /// Members that can be asked.
    public func healthyMembers(_ intent: ControlPlaneIntent) -> [InstanceID] {
        EtcdMember.all(of: intent).filter { isHealthy($0) && instance($0.id)?.isJoining != true }.map(\.id)
    }
}
