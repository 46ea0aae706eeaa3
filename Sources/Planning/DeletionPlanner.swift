import FleetModel
import Substrate

/// Takes a cluster away: traffic and instances first, then volumes, the network last.
struct DeletionPlanner {
    func plan(_ intent: ControlPlaneIntent, _ seen: SubstrateObservation) -> Plan {
        var actions: [Action] = []
        if seen.loadBalancer != nil { actions.append(.removeLoadBalancer(intent.cluster)) }
        actions += seen.instances.map { .removeInstance($0.id) }
        if actions.isEmpty { actions += seen.volumes.map { .removeVolume($0.id) } }
        if actions.isEmpty, seen.network != nil { actions.append(.removeNetwork(intent.cluster)) }
        return Plan(actions: actions, outlook: actions.isEmpty ? .gone : .unavailable)
    }
}
