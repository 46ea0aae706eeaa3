import FleetModel
import Substrate

extension Invariants {
    /// While an update is under way, 2: nobody new gets traffic who has not done what customers do; and 4: once etcd's storage has
    /// moved on, no member is started on what it was before. 1 and 5: no etcd member that is well is exchanged while a zone is out of
    /// service or not well. 2: controllers end only where others are left that an API server which serves is there for.
    func updating(_ actions: [Action], _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> [InvariantViolation] {
        guard !intent.isDeleting else { return [] }
        let seen = observation.substrate.loadBalancer?.backends ?? []
        let stopped = Set(actions.compactMap { if case .stopControllers(let id) = $0 { id } else { nil } })
        return actions.flatMap { action -> [InvariantViolation] in
            switch action {
            case .ensureLoadBalancer(let wanted) where intent.isUpdating:
                return wanted.backends.filter { backend in
                    backend.admission == .ready && !seen.contains { $0.name == backend.name }
                        && !isProven(observation.trials[backend.name])
                }.map { InvariantViolation(2, "\($0.name) would get traffic and has not passed its check") }
            case .replaceInstance(let instance), .startInstance(let instance):
                guard instance.role == .etcd else { return [] }
                return exchanges(instance, observation) + storage(instance, intent)
            case .stopControllers(let id):
                let isLast = !observation.substrate.instances.contains {
                    $0.role == .apiServer && !$0.hasStoppedControllers && !stopped.contains($0.id) && observation.isReady($0)
                        && observation.isBalanced($0.id.name)
                }
                return isLast ? [InvariantViolation(2, "the controllers on \(id.name) would end, and no others are at work")] : []
            default: return []
            }
        }
    }

    /// What customers do has worked through it, or is known not to work through those of before either.
    private func isProven(_ trial: InstanceTrial?) -> Bool { trial.map { $0.passes > 0 || $0.commonFailures > 0 } ?? false }

    private func exchanges(_ instance: InstanceIntent, _ observation: ControlPlaneObservation) -> [InvariantViolation] {
        let isHealthy = observation.health.etcdMembers[instance.id.name]?.isHealthy == true
        let zones = observation.unavailableZones.union(observation.impairedZones)
        let isExchange = observation.instance(instance.id).map { $0.state == .running && !instance.matches($0) } ?? false
        guard isHealthy, isExchange, let zone = zones.min() else { return [] }
        return [InvariantViolation(5, "\(instance.id.name) would be exchanged while zone \(zone) is out of service or not well")]
    }

    private func storage(_ instance: InstanceIntent, _ intent: ControlPlaneIntent) -> [InvariantViolation] {
        guard let update = intent.update, update.hasMovedEtcd, update.changesEtcdStorage, instance.release == update.previous.etcdRelease
        else { return [] }
        return [InvariantViolation(4, "\(instance.id.name) would be started on an etcd that cannot read its storage any more")]
    }
}
