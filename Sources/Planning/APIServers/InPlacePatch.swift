import FleetModel
import Substrate

/// Exchanges what the API server instances are made of, one after the other, with the same names and addresses. For the urgent fix
/// that has no time, or no room, for new instances. Invariant 2, with one instance fewer.
///
/// The one whose turn it is is drained, ended with a word to its clients, made anew, and takes traffic again when its check has
/// passed; the next one's turn comes then.
struct InPlacePatch {
    var policy: PlanningPolicy
    var intent: ControlPlaneIntent
    var observation: ControlPlaneObservation
    var held: HeldZone?
    /// Who goes, by his end or because his zone is emptied; it is not begun with the next one meanwhile.
    var surplus: [InstanceObservation]

    /// - Parameters:
    ///   - current: whether an instance is what is wanted.
    ///   - wanted: what an instance is to become.
    ///   - backends: the endpoint's, each as if it stayed; changed for the one whose turn it is.
    func plan(
        _ instances: [InstanceObservation], current: (InstanceObservation) -> Bool, wanted: (InstanceObservation) -> InstanceIntent,
        _ backends: inout [LoadBalancerSpec.Backend], _ result: inout APIServerPlanner.Result
    ) {
        let running = instances.filter { $0.state == .running }
        guard let next = turn(running, current: current) else { return }
        let others = running.filter { $0.id != next.id }
        func serves(_ other: InstanceObservation) -> Bool {
            observation.isReady(other) && observation.isBalanced(other.id.name) && !observation.isolatedInstances.contains(other.id.name)
        }
        guard !others.isEmpty, others.allSatisfy(serves) else {
            result.waits.append(Wait("MinimumReady", "\(next.id.name) is patched when all other API servers serve"))
            return
        }
        let seen = observation.substrate.loadBalancer?.backends.first { $0.name == next.id.name }
        if current(next) {
            // It was made anew: back when it is fit.
            let isFit = observation.isReady(next) && (observation.trials[next.id.name]?.passes ?? 0) > 0
            if !isFit { admit(next, .drain, &backends) }
            return
        }
        if let held {
            // Back, if it was drained for this.
            result.waits.append(.impaired(held.zone, "\(next.id.name) is not patched"))
            return
        }
        if let other = surplus.first, seen?.admission == .ready {
            result.waits.append(Wait("MinimumReady", "\(next.id.name) is patched when \(other.id.name), which goes, has gone"))
            return
        }
        admit(next, .drain, &backends)
        // It never had a place: nobody is served by it.
        guard let seen else { return result.actions.append(.replaceInstance(wanted(next))) }
        guard seen.admission != .ready else { return }
        let drained = observation.drainingSeconds[next.id.name, default: 0]
        guard seen.openSessions == 0 || drained > policy.update.patchDrain || !observation.isReady(next) else {
            result.waits.append(Wait("Draining", "\(next.id.name) still has \(seen.openSessions) open sessions"))
            return
        }
        result.actions.append(.replaceInstance(wanted(next)))
    }

    /// The one that is out of the endpoint goes on; else one that is not proven, or the first that is outdated.
    private func turn(_ running: [InstanceObservation], current: (InstanceObservation) -> Bool) -> InstanceObservation? {
        let out = running.first { instance in
            let seen = observation.substrate.loadBalancer?.backends.first { $0.name == instance.id.name }
            return seen.map { $0.admission != .ready } ?? false
        }
        guard running.contains(where: { !current($0) }) else { return out }
        // One that was let in again before its check, because another one failed, or whose check was forgotten.
        let unproven =
            intent.update?.reversal == nil
            ? running.first { current($0) && observation.isReady($0) && observation.trials[$0.id.name]?.passes ?? 0 == 0 } : nil
        let broken = running.first { !current($0) && !observation.isReady($0) }
        // One that nobody is served by costs nobody anything.
        let placeless = running.first { instance in
            !current(instance) && observation.substrate.loadBalancer?.backends.contains { $0.name == instance.id.name } == false
        }
        return out ?? placeless ?? unproven ?? broken ?? running.first { !current($0) }
    }

    private func admit(
        _ instance: InstanceObservation, _ admission: LoadBalancerSpec.Admission, _ backends: inout [LoadBalancerSpec.Backend]
    ) {
        for index in backends.indices where backends[index].name == instance.id.name { backends[index].admission = admission }
    }
}
