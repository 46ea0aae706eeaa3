import FleetModel
import Substrate

extension Invariants {
    /// While an update is under way, 2: nobody new gets traffic who has not done what customers do; and 1 and 5: no etcd member is
    /// exchanged for its release while a zone is out of service.
    func updating(_ actions: [Action], _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> [InvariantViolation] {
        guard intent.update != nil, !intent.isDeleting else { return [] }
        let seen = observation.substrate.loadBalancer?.backends ?? []
        return actions.flatMap { action -> [InvariantViolation] in
            switch action {
            case .ensureLoadBalancer(let wanted):
                return wanted.backends.filter { backend in
                    backend.admission == .ready && !seen.contains { $0.name == backend.name }
                        && (observation.trials[backend.name]?.passes ?? 0) == 0
                }.map { InvariantViolation(2, "\($0.name) would get traffic and has not passed its check") }
            case .replaceInstance(let instance) where instance.role == .etcd:
                let isHealthy = observation.health.etcdMembers[instance.id.name]?.isHealthy == true
                guard isHealthy, !observation.unavailableZones.isEmpty else { return [] }
                return [InvariantViolation(5, "\(instance.id.name) would be exchanged while a zone is out of service")]
            default: return []
            }
        }
    }
}
