import FleetModel
import Substrate

/// Whether a majority of a cluster's etcd members has lost its data, so that no quorum can come back by itself.
struct MajorityLoss {
    /// Members whose data is gone or damaged, with the reason.
    let lost: [(member: EtcdMember, reason: String)]
    /// Those whose data may be whole.
    let intact: [EtcdMember]
    let hasQuorum: Bool

    init(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation, policy: PlanningPolicy) {
        let members = EtcdMember.all(of: intent)
        // A member that answers has its data, though its volume may have lost its name. Of a zone that is out of reach nothing is
        // known: its volumes come back with it.
        lost = members.compactMap { member in
            guard !observation.isHealthy(member), !observation.unavailableZones.contains(member.zone) else { return nil }
            switch observation.substrate.volumes.first(where: { $0.id == member.volume }) {
            case nil: return (member, "its volume is gone")
            case .some(let volume) where !volume.isUsable: return (member, "its volume cannot be read")
            case .some: return observation.isDamaged(member, policy) ? (member, "its data is damaged") : nil
            }
        }
        let names = Set(lost.map(\.member.id))
        intact = members.filter { !names.contains($0.id) }
        hasQuorum = observation.hasEtcdQuorum(intent)
    }

    var isMajority: Bool { !hasQuorum && intact.count * 2 <= intact.count + lost.count }
}

/// Brings a cluster back that has lost a majority of its etcd volumes, from the one member that is left. Only when asked to:
/// what the lost members alone had acknowledged is given up by it. Invariant 6.
///
/// The survivor keeps its log, also the part whose acknowledgement it never heard of. A second member begins empty under its old
/// membership and can only vote for the survivor, whose log is longer; so the survivor leads and the two are a quorum with all that
/// the survivor has. What is missing then is missing one member, which is made anew as always. API servers are made anew because
/// their caches may hold what is lost.
struct RecoveryPlanner {
    var policy: PlanningPolicy

    /// - Returns: nil when no recovery is asked for, or a quorum is there again: the ordinary plan is the whole plan.
    func plan(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> Plan? {
        guard let name = intent.recovery else { return nil }
        let members = EtcdMember.all(of: intent)
        guard let survivor = members.first(where: { $0.id.name == name }) else { return nil }
        let loss = MajorityLoss(intent, observation, policy: policy)
        guard !loss.hasQuorum else { return nil }
        var plan = Plan(waits: [Wait("Recovering", "etcd begins again from \(name)")], outlook: .unavailable)
        guard !loss.lost.contains(where: { $0.member.id == survivor.id }) else {
            plan.waits = [
                Wait(
                    "RecoveryImpossible",
                    "the data of \(name) is lost, too: `slipway cluster recover \(intent.cluster) --dry-run` says what is left")
            ]
            return plan
        }
        if observation.instance(survivor.id)?.state != .running { plan.actions.append(.startInstance(survivor.intent)) }

        let others = members.filter { $0.id != survivor.id }
        let joining = others.first { observation.instance($0.id)?.isJoining == true }
        guard let second = joining ?? others.first(where: { !observation.unavailableZones.contains($0.zone) }) else {
            plan.waits.append(Wait("RecoveryZone", "no other member's zone is in service"))
            return plan
        }
        // Who has seen what is lost, or could vote for it, goes first.
        let rest = observation.substrate.instances.filter { seen in
            seen.role == .apiServer || seen.role == .etcd && seen.id != survivor.id && seen.id != joining?.id
        }
        if !rest.isEmpty {
            plan.actions += rest.map { .removeInstance($0.id) }
            return plan
        }
        var intent = second.intent
        intent.isJoining = true
        switch observation.instance(second.id) {
        case .some(let seen) where seen.isJoining && seen.state == .running:
            plan.waits.append(Wait("EtcdNotHealthy", "\(second.id.name) joins \(name)"))
        case .some(let seen) where seen.isJoining: plan.actions.append(.startInstance(intent))
        default: plan.actions.append(.remakeMember(intent))
        }
        return plan
    }

    /// Why nothing is done by itself.
    func wait(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> Wait? {
        guard intent.isEstablished else { return nil }
        let loss = MajorityLoss(intent, observation, policy: policy)
        guard loss.isMajority else { return nil }
        let names = loss.lost.map { "\($0.member.id.name) (\($0.reason))" }.joined(separator: ", ")
        return Wait(
            "MajorityLost",
            "a majority of etcd's members has lost its data: \(names). Nothing is done by itself; `slipway cluster recover \(intent.cluster) --dry-run` says what can be saved"
        )
    }
}

extension Invariants {
    /// 6: a member begins anew, empty, without the others' agreement only when a recovery was asked for, when it is not the one that
    /// is recovered from, when there is no quorum whose data could be lost by it, and when nobody else is there to vote with it.
    func recoveries(_ actions: [Action], _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> [InvariantViolation] {
        actions.compactMap { action in
            guard case .remakeMember(let member) = action else { return nil }
            func refuse(_ why: String) -> InvariantViolation { InvariantViolation(6, "\(member.id.name) would begin anew, empty, \(why)") }
            guard let survivor = intent.recovery else { return refuse("and nobody asked for it") }
            if survivor == member.id.name { return refuse("and is the one to recover from") }
            let members = EtcdMember.all(of: intent)
            if members.count(where: { observation.isHealthy($0) }) * 2 > members.count { return refuse("though a quorum is there") }
            let voters = observation.substrate.instances.filter { $0.role == .etcd && $0.id.name != survivor && $0.id != member.id }
            return voters.isEmpty ? nil : refuse("beside \(voters.map(\.id.name))")
        }
    }

    /// What runs of a cluster may be taken down: it has no quorum, and is to begin again from one member.
    func isRecovering(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> Bool {
        guard intent.recovery != nil, !intent.isDeleting else { return false }
        let members = EtcdMember.all(of: intent)
        return members.count { observation.isHealthy($0) } * 2 <= members.count
    }
}
