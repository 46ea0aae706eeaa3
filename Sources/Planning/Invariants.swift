import FleetModel
import Substrate

/// A rule of the design that an action would break. Numbers are those of docs/architecture.md.
public struct InvariantViolation: Error, Hashable, Sendable, CustomStringConvertible {
    public var number: Int
    public var message: String

    public init(_ number: Int, _ message: String) {
        self.number = number
        self.message = message
    }

    public var description: String { "invariant \(number): \(message)" }
}

/// Checks actions against the invariants. Written apart from the planners, so that a planner's mistake is found: by tests, by
/// the simulation at every step, and by the executor before it acts.
public struct Invariants: Sendable {
    public init() {}

    /// What is wrong with carrying out all of `actions` in the state that was observed.
    public func violations(of actions: [Action], _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation)
        -> [InvariantViolation]
    {
        quorum(actions, intent, observation) + membership(actions, intent, observation) + fences(actions, intent, observation)
            + recoveries(actions, intent, observation) + serving(actions, intent, observation) + evacuations(actions, observation)
            + holders(actions, observation)
            + volumes(actions, intent, observation) + restoring(actions, intent, observation) + updating(actions, intent, observation)
    }

    /// What is wrong with a state, whoever made it.
    public func violations(in state: SubstrateObservation) -> [InvariantViolation] {
        var found: [InvariantViolation] = []
        for (address, holders) in Dictionary(grouping: state.instances, by: \.address) where holders.count > 1 {
            found.append(InvariantViolation(3, "address \(address) is held by \(holders.map(\.id.name).sorted())"))
        }
        let holders = Dictionary(grouping: state.instances.filter { $0.volume != nil }, by: \.volume)
        for (volume, holders) in holders where holders.count > 1 {
            found.append(InvariantViolation(3, "volume \(volume?.name ?? "") is held by \(holders.map(\.id.name).sorted())"))
        }
        return found
    }

    /// 1: at most one etcd member down, a healthy quorum stays, and the leader moves first.
    private func quorum(_ actions: [Action], _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> [InvariantViolation] {
        guard !intent.isDeleting, !isRecovering(intent, observation), !RestoreState.isStopping(intent, observation) else { return [] }
        let members = EtcdMember.all(of: intent)
        let health = observation.health.etcdMembers
        var taken = Set(
            actions.compactMap { action -> InstanceID? in
                switch action {
                case .replaceInstance(let instance) where instance.role == .etcd: instance.id
                case .startInstance(let instance) where instance.role == .etcd && isRunningOtherwise(instance, observation): instance.id
                case .removeInstance(let id), .retireInstance(let id): members.contains { $0.id == id } ? id : nil
                default: nil
                }
            })
        // Who still has the data of before a restore has no part in the quorum of those that have the new.
        let restore = RestoreState(intent, observation)
        if intent.restore != nil, restore.mayServe { taken.subtract(restore.left.map(\.id)) }
        guard !taken.isEmpty else { return [] }
        var found: [InvariantViolation] = []
        var fenced = observation.substrate.fenced
        for case .ensureFence(_, let addresses) in actions { fenced = addresses }
        // Of one that does not answer, when another one says that there is no quorum, none is taken.
        let isNone = members.allSatisfy { health[$0.id.name]?.isHealthy != true }
        if isNone, taken.count == 1, let one = taken.first, health[one.name] == nil,
            members.contains(where: { $0.id != one && observation.hasNoLeader($0) })
        {
            return []
        }
        let remaining = members.filter {
            !taken.contains($0.id) && !fenced.contains($0.intent.address) && health[$0.id.name]?.isHealthy == true
                && !isLearning($0, observation)
        }
        if remaining.count * 2 <= members.count {
            found.append(
                InvariantViolation(
                    1, "taking down \(taken.map(\.name).sorted()) leaves \(remaining.count) of \(members.count) etcd members"))
        }
        if taken.count > 1 { found.append(InvariantViolation(1, "\(taken.count) etcd members taken down at once")) }
        for id in taken where health[id.name]?.isHealthy == true && health[id.name]?.isLeader == true {
            found.append(InvariantViolation(1, "\(id.name) leads and has not handed over"))
        }
        return found
    }

    /// It answers and has no vote yet.
    func isLearning(_ member: EtcdMember, _ observation: ControlPlaneObservation) -> Bool {
        observation.membership?.contains { $0.address == member.intent.address && $0.isLearner } == true
    }

    /// To "start" a running instance as something else is to take it down.
    private func isRunningOtherwise(_ intent: InstanceIntent, _ observation: ControlPlaneObservation) -> Bool {
        observation.substrate.instances.contains { $0.id == intent.id && $0.state == .running && !intent.matches($0) }
    }

    /// 2: ready API servers behind the endpoint do not fall below the minimum by our hand.
    private func serving(_ actions: [Action], _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> [InvariantViolation]
    {
        guard !intent.isDeleting, !isRecovering(intent, observation), !RestoreState.isStopping(intent, observation) else { return [] }
        let ready = Set(
            observation.substrate.instances.filter {
                $0.role == .apiServer && $0.state == .running && observation.health.apiServers[$0.id.name]?.isReady == true
            }.map(\.id.name))
        let balancer = observation.substrate.loadBalancer
        let admitted = Set(balancer?.backends.filter { $0.admission == .ready && $0.isHealthy }.map(\.name) ?? [])
        let before = balancer?.state == .running ? ready.intersection(admitted) : []
        var after = before
        for action in actions {
            switch action {
            case .removeInstance(let id), .retireInstance(let id): after.remove(id.name)
            case .ensureFence(_, let addresses):
                for instance in observation.substrate.instances where addresses.contains(instance.address) {
                    after.remove(instance.id.name)
                }
            case .replaceInstance(let instance): after.remove(instance.id.name)
            case .promoteStandby(let instance) where !hasProvenStandby(instance, intent, observation): after.remove(instance.id.name)
            case .startInstance(let instance) where isRunningOtherwise(instance, observation): after.remove(instance.id.name)
            case .ensureLoadBalancer(let balancer):
                // One that is let in now counts when the balancer's health check has passed, not before.
                after = after.intersection(balancer.backends.filter { $0.admission == .ready }.map(\.name))
            case .removeLoadBalancer: after = []
            default: break
            }
        }
        // Out of an evacuated zone, and by what was found dead, they may fall to one.
        let isExit = observation.substrate.instances.filter { before.subtracting(after).contains($0.id.name) }.allSatisfy {
            observation.unavailableZones.contains($0.zone) || observation.isolatedInstances.contains($0.id.name)
        }
        guard after.count < before.count, after.count < (isExit ? 1 : min(2, intent.spec.apiServerCount)) else { return [] }
        return [InvariantViolation(2, "ready API servers behind the endpoint would fall from \(before.sorted()) to \(after.sorted())")]
    }

    /// What takes over is ready, and what customers do has worked through it.
    private func hasProvenStandby(_ wanted: InstanceIntent, _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> Bool {
        guard let standby = observation.instance(wanted.id)?.standbyInstance, standby.release == wanted.release else { return false }
        return observation.isReady(standby)
            && ((observation.trials[standby.id.name]?.passes ?? 0) > 0 || observation.mayGoBack(standby, intent))
    }

    /// 3: an address or a volume has at most one holder.
    private func holders(_ actions: [Action], _ observation: ControlPlaneObservation) -> [InvariantViolation] {
        var addresses: [IPv4Address: String] = [:]
        var volumes: [VolumeID: String] = [:]
        for instance in observation.substrate.instances {
            addresses[instance.address] = instance.id.name
            if let volume = instance.volume { volumes[volume] = instance.id.name }
        }
        var found: [InvariantViolation] = []
        for action in actions {
            guard case .startInstance(let instance) = action else { continue }
            if let holder = addresses[instance.address], holder != instance.id.name {
                found.append(InvariantViolation(3, "address \(instance.address) of \(instance.id.name) is held by \(holder)"))
            }
            addresses[instance.address] = instance.id.name
            if let volume = instance.volume {
                if let holder = volumes[volume], holder != instance.id.name {
                    found.append(InvariantViolation(3, "volume \(volume.name) of \(instance.id.name) is held by \(holder)"))
                }
                volumes[volume] = instance.id.name
            }
        }
        return found
    }

    /// 3 and 6: a volume goes only with its cluster, and an established member never starts on a new one; but for a member that
    /// has never voted, or votes no more.
    private func volumes(_ actions: [Action], _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> [InvariantViolation]
    {
        func entry(_ id: VolumeID) -> EtcdMembership?? {
            guard let list = observation.membership, let member = EtcdMember.all(of: intent).first(where: { $0.volume == id }) else {
                return nil
            }
            return .some(list.first { $0.address == member.intent.address })
        }
        // Volumes that are about to be written anew from a snapshot hold nothing that counts.
        if RestoreState.isStopping(intent, observation) { return [] }
        return actions.compactMap { action in
            switch action {
            case .removeVolume(let id) where !intent.isDeleting:
                // Its membership has ended, or a new one has not begun.
                if let entry = entry(id), entry?.hasStarted != true { return nil }
                return InvariantViolation(3, "volume \(id.name) of a living cluster would be deleted")
            case .ensureVolume(let spec) where intent.isEstablished:
                if let entry = entry(spec.id), let entry, !entry.hasStarted { return nil }
                return InvariantViolation(6, "volume \(spec.id.name) of a cluster that has served would be made anew, empty")
            default: return nil
            }
        }
    }
}
