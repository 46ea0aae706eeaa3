import FleetModel
import Substrate

/// What invariants say of fences, evacuations and memberships.
extension Invariants {
    /// 1 and 5: a fence leaves etcd its quorum and cuts off no leader that answers; and it never stands around two zones.
    func fences(_ actions: [Action], _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> [InvariantViolation] {
        guard !intent.isDeleting else { return [] }
        var found: [InvariantViolation] = []
        let members = EtcdMember.all(of: intent)
        let health = observation.health.etcdMembers
        for case .ensureFence(_, let addresses) in actions {
            let behind = members.filter { addresses.contains($0.intent.address) }
            let new = behind.filter { !observation.substrate.fenced.contains($0.intent.address) }
            if !new.isEmpty, behind.count * 2 >= members.count {
                found.append(InvariantViolation(1, "\(behind.count) of \(members.count) etcd members would be fenced off"))
            }
            for member in new where health[member.id.name]?.isHealthy == true {
                let rest = members.filter {
                    !addresses.contains($0.intent.address) && health[$0.id.name]?.isHealthy == true && !isLearning($0, observation)
                }
                if rest.count * 2 <= members.count {
                    found.append(InvariantViolation(1, "fencing off \(member.id.name) leaves \(rest.count) of \(members.count) members"))
                }
                let isDead = observation.isolatedInstances.contains(member.id.name)
                if health[member.id.name]?.isLeader == true, !isDead {
                    found.append(InvariantViolation(1, "\(member.id.name) leads and has not handed over"))
                }
            }
            let single = observation.isolatedInstances
            let zones = Set(
                members.filter { addresses.contains($0.intent.address) && !single.contains($0.id.name) }.map(\.zone)
                    + observation.substrate.instances.filter { addresses.contains($0.address) && !single.contains($0.id.name) }.map(\.zone))
            if zones.count > 1 {
                found.append(InvariantViolation(5, "zones \(zones.sorted().map(\.description)) would be fenced off at once"))
            }
        }
        return found
    }

    /// 5: nothing in an evacuated zone gets traffic or leadership.
    func evacuations(_ actions: [Action], _ observation: ControlPlaneObservation) -> [InvariantViolation] {
        func isOut(_ name: String) -> Bool {
            guard let instance = observation.substrate.instances.first(where: { $0.id.name == name }) else { return false }
            return observation.unavailableZones.contains(instance.zone) || observation.isolatedInstances.contains(name)
        }
        let serves = observation.substrate.instances.contains {
            $0.role == .apiServer && !isOut($0.id.name) && observation.isReady($0) && observation.isBalanced($0.id.name)
        }
        return actions.flatMap { action -> [InvariantViolation] in
            switch action {
            case .moveLeader(_, let to) where isOut(to.name):
                return [InvariantViolation(5, "\(to.name) is out of service and would lead")]
            // While nobody else serves, one that may serve is better than none.
            case .ensureLoadBalancer(let intent) where serves:
                let seen = observation.substrate.loadBalancer?.backends ?? []
                return intent.backends.filter { backend in
                    backend.admission == .ready && isOut(backend.name)
                        && seen.contains { $0.name == backend.name && $0.admission != .ready }
                }.map { InvariantViolation(5, "\($0.name) is out of service and would get traffic") }
            default: return []
            }
        }
    }

    /// 1: a membership ends or begins only while every other member is healthy, and only one at a time.
    func membership(_ actions: [Action], _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> [InvariantViolation] {
        let changed = actions.compactMap { action -> InstanceID? in
            switch action {
            case .removeMember(let id), .addMember(let id, _), .promoteMember(let id, _): id
            default: nil
            }
        }
        guard let first = changed.first else { return [] }
        var found: [InvariantViolation] = []
        if Set(changed).count > 1 { found.append(InvariantViolation(1, "the memberships of \(changed.map(\.name)) would change at once")) }
        let members = EtcdMember.all(of: intent)
        let others = members.filter { $0.id != first }
        let healthy = others.filter { observation.health.etcdMembers[$0.id.name]?.isHealthy == true }
        if healthy.count < others.count || healthy.count * 2 <= members.count {
            found.append(
                InvariantViolation(
                    1, "the membership of \(first.name) would change while \(healthy.count) of \(others.count) others are healthy"))
        }
        if intent.isEstablished, observation.membership == nil {
            found.append(InvariantViolation(6, "the membership of \(first.name) would change though nobody has said who is a member"))
        }
        return found
    }
}
