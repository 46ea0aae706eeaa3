import FleetModel
import Substrate

/// The heart: from what is wanted and what was seen to what is safe to do now. Pure.
///
/// Create, repair, resize, update, evacuate and delete are one function with different intent. A plan holds only actions
/// that are safe together at this moment; what must come later comes with a later observation.
public struct ControlPlanePlanner: Sendable {
    public var policy: PlanningPolicy

    public init(policy: PlanningPolicy = PlanningPolicy()) { self.policy = policy }

    public func plan(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> Plan {
        if intent.isDeleting { return DeletionPlanner().plan(intent, observation.substrate) }
        if let plan = RecoveryPlanner(policy: policy).plan(intent, observation) { return plan }
        if let plan = RestorePlanner().plan(intent, observation, ordinary: ordinary) { return plan }
        return ordinary(intent, observation)
    }

    private func ordinary(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> Plan {
        let evacuation = Evacuation(intent, observation, policy: policy)
        var plan = foundation(intent, observation.substrate)
        if !plan.actions.isEmpty { return plan }

        let etcd = EtcdPlanner(policy: policy).plan(intent, observation, evacuation)
        let apiServers = APIServerPlanner(policy: policy).plan(
            intent, observation, evacuation, etcdHasQuorum: etcd.healthy * 2 > etcd.wanted)
        let fenced = etcd.fenced.union(apiServers.fenced)
        // First: every moment of an unanswered connection counts.
        if fenced != observation.substrate.fenced { plan.actions.append(.ensureFence(intent.cluster, fenced)) }
        if let reset = lostLeader(fenced, intent, observation) { plan.actions.append(reset) }
        plan.actions += etcd.actions + apiServers.actions
        plan.waits += evacuation.waits + etcd.waits + apiServers.waits
        if let wait = RecoveryPlanner(policy: policy).wait(intent, observation) { plan.waits.insert(wait, at: 0) }
        if intent.recovery != nil { plan.actions.append(.finishRecovery(intent.cluster)) }
        if apiServers.serving > 0, !observation.isBootstrapped { plan.actions.append(.bootstrapKubernetes(intent.cluster)) }

        let serves = etcd.healthy * 2 > etcd.wanted && apiServers.answering > 0 && observation.isBootstrapped
        let isWhole = plan.actions.isEmpty && plan.waits.isEmpty
        if serves, let restore = intent.restore, RestoreState(intent, observation).left.isEmpty {
            plan.actions.append(.finishRestore(restore))
        }
        plan.areAPIServersThrough =
            apiServers.actions.isEmpty && apiServers.waits.isEmpty && apiServers.serving == intent.spec.apiServerCount
        plan.outlook = serves ? (isWhole ? .healthy : .degraded) : .unavailable
        return plan
    }

    /// Writes that a follower had passed on to a leader that is cut off now are lost, but the follower waits for them for seven
    /// seconds (etcd's request timeout). Better an error now. What comes between the cut and the election is passed on to it, too, and
    /// ended when there is a new leader.
    private func lostLeader(
        _ fenced: Set<IPv4Address>, _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation
    ) -> Action? {
        let members = EtcdMember.all(of: intent)
        let isLost = members.contains { member in
            let address = member.intent.address
            return fenced.contains(address) && (observation.hasNewLeader || !observation.substrate.fenced.contains(address))
                && observation.recentLeaders.contains(member.id.name) && observation.instance(member.id)?.state == .running
        }
        guard isLost else { return nil }
        return .resetClients(intent.cluster, Set(members.map(\.intent.address)).subtracting(fenced))
    }

    /// The network and the volumes: everything else stands on them.
    private func foundation(_ intent: ControlPlaneIntent, _ seen: SubstrateObservation) -> Plan {
        var plan = Plan(outlook: .unavailable)
        if seen.network?.isComplete != true || seen.network?.network != intent.spec.network {
            plan.actions.append(.ensureNetwork(NetworkSpec(cluster: intent.cluster, network: intent.spec.network)))
        }
        for member in EtcdMember.all(of: intent) {
            // Of a cluster that has served, a lost volume is a loss and not a beginning: see MemberRebuildPlanner.
            guard !intent.isEstablished else { continue }
            switch seen.volumes.first(where: { $0.id == member.volume }) {
            case nil: plan.actions.append(.ensureVolume(VolumeSpec(id: member.volume, zone: member.zone)))
            case .some(let volume) where !volume.isUsable:
                plan.waits.append(Wait("VolumeBroken", "volume \(member.volume.name) cannot be read"))
            case .some: break
            }
        }
        return plan
    }
}
