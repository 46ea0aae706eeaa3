import FleetModel
import Substrate

/// How API servers leave the endpoint when their zone is evacuated or they were found dead, and how they come back. Invariants 2
/// and 5.
struct APIServerExit {
    var policy: PlanningPolicy
    var intent: ControlPlaneIntent
    var observation: ControlPlaneObservation
    var evacuation: Evacuation

    /// Ready instances behind the endpoint that stay whatever is cut off.
    private var others: Int {
        observation.substrate.instances.count {
            $0.role == .apiServer && !evacuation.isOut($0) && observation.isReady($0) && observation.isBalanced($0.id.name)
        }
    }

    /// The balancer's own checks pass on others that stay. They are another witness than the probes: when those hear nobody, what
    /// was taken out of service does not come back by that.
    private var balancerHasOthers: Bool {
        observation.substrate.instances.contains {
            $0.role == .apiServer && !evacuation.isOut($0) && observation.isBalanced($0.id.name)
        }
    }

    private func isOutAlready(_ instance: InstanceObservation) -> Bool {
        observation.substrate.fenced.contains(instance.address) || observation.admission(of: instance) == .closed
    }

    /// Whether the instance loses its sessions and is fenced off, at once. While nobody else serves it is kept, and said: what
    /// looks dead from here may be the last one that serves.
    func isCutOff(_ instance: InstanceObservation, _ result: inout APIServerPlanner.Result) -> Bool {
        let isDead = evacuation.isIsolated(instance.id.name) || (instance.zone == evacuation.zone && !observation.isReady(instance))
        guard isDead else { return false }
        guard others > 0 || (isOutAlready(instance) && balancerHasOthers) else {
            result.waits.append(
                Wait("EvacuationCapacity", "\(instance.id.name) is not taken out of the endpoint: no other API server serves"))
            return false
        }
        result.fenced.insert(instance.address)
        return true
    }

    /// One that was cut off takes traffic again last: when its fence is lifted, it is ready, and so is its zone's etcd member.
    func admissionOfOneThatStays(_ instance: InstanceObservation, _ result: inout APIServerPlanner.Result) -> LoadBalancerSpec.Admission {
        if isCutOff(instance, &result) { return .closed }
        guard observation.admission(of: instance) == .closed, others > 0 else { return .ready }
        let member = EtcdMember.all(of: intent).first { $0.zone == instance.zone }
        let isCaughtUp = member.map { observation.isHealthy($0) } ?? true
        guard observation.isReady(instance), isCaughtUp, !observation.substrate.fenced.contains(instance.address) else {
            result.waits.append(Wait("CatchingUp", "\(instance.id.name) gets traffic again when it and its zone's etcd member are ready"))
            return .closed
        }
        return .ready
    }

    /// One in the evacuated zone. Nil: it has no place behind the endpoint.
    func leave(_ instance: InstanceObservation, enough: Int, _ result: inout APIServerPlanner.Result) -> LoadBalancerSpec.Admission? {
        let name = instance.id.name
        guard instance.state == .running else {
            result.fenced.insert(instance.address)
            return nil
        }
        if isCutOff(instance, &result) { return .closed }
        if others == 0, balancerHasOthers, let admission = observation.admission(of: instance), admission != .ready { return admission }
        guard observation.isReady(instance) else { return .ready }
        // Others in its place are better, but must not be needed: after a while one other is enough.
        let isPatient = observation.unavailableSeconds[instance.zone, default: 0] <= policy.evacuationPatience
        let backend = observation.backend(of: instance)
        let isDraining = backend?.admission == .drain || backend?.admission == .closed
        guard others >= enough || (others > 0 && (!isPatient || isDraining)) else {
            let reason = others > 0 ? "until another one has taken its place" : "since no other API server serves"
            result.waits.append(Wait(others > 0 ? "Leaving" : "EvacuationCapacity", "\(name) goes on serving \(reason)"))
            return .ready
        }
        let isDrained = backend?.openSessions == 0 || observation.drainingSeconds[name, default: 0] > policy.evacuationDrainLimit
        if backend == nil || isDraining && isDrained {
            result.actions.append(.retireInstance(instance.id))
        } else {
            let sessions = "still has \(backend?.openSessions ?? 0) open sessions"
            result.waits.append(Wait("Draining", "\(name) \(isDraining ? sessions : "gets no new sessions from now on")"))
        }
        return .drain
    }
}
