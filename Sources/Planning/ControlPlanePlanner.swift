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
        if let plan = RestorePlanner().plan(intent, observation, ordinary: ordinary) { return plan }
        return ordinary(intent, observation)
    }

    private func ordinary(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> Plan {
        var plan = foundation(intent, observation.substrate)
        if !plan.actions.isEmpty { return plan }

        let etcd = EtcdPlanner(policy: policy).plan(intent, observation)
        let apiServers = APIServerPlanner(policy: policy).plan(intent, observation, etcdHasQuorum: etcd.healthy * 2 > etcd.wanted)
        plan.actions = etcd.actions + apiServers.actions
        plan.waits += etcd.waits + apiServers.waits
        if apiServers.serving > 0, !observation.isBootstrapped { plan.actions.append(.bootstrapKubernetes(intent.cluster)) }

        let serves = etcd.healthy * 2 > etcd.wanted && apiServers.serving > 0 && observation.isBootstrapped
        let isWhole = plan.actions.isEmpty && plan.waits.isEmpty
        if serves, let restore = intent.restore, RestoreState(intent, observation).left.isEmpty {
            plan.actions.append(.finishRestore(restore))
        }
        plan.outlook = serves ? (isWhole ? .healthy : .degraded) : .unavailable
        return plan
    }

    /// The network and the volumes: everything else stands on them.
    private func foundation(_ intent: ControlPlaneIntent, _ seen: SubstrateObservation) -> Plan {
        var plan = Plan(outlook: .unavailable)
        if seen.network?.isComplete != true || seen.network?.network != intent.spec.network {
            plan.actions.append(.ensureNetwork(NetworkSpec(cluster: intent.cluster, network: intent.spec.network)))
        }
        for member in EtcdMember.all(of: intent) {
            switch seen.volumes.first(where: { $0.id == member.volume }) {
            case nil where intent.isEstablished:
                plan.waits.append(
                    Wait(
                        "VolumeLost",
                        "volume \(member.volume.name) is gone; the member is not started with an empty one, which could lose acknowledged writes"
                    ))
            case nil:
                plan.actions.append(.ensureVolume(VolumeSpec(id: member.volume, zone: member.zone)))
            case .some(let volume) where !volume.isUsable:
                plan.waits.append(Wait("VolumeBroken", "volume \(member.volume.name) cannot be read"))
            case .some: break
            }
        }
        return plan
    }
}
