import FleetModel
import Substrate

/// Exchanges what the API server instances are made of, with the same names and addresses and without new instances. For the urgent
/// fix. Invariant 2.
///
/// In each instance a second API server starts beside the first, of the new release. When all of them have passed the check that does
/// what customers do, one after the other takes over; until then nobody has noticed anything, and a release that is no good is gone
/// again without anybody ever having been served by it.
struct InPlacePatch {
    var policy: PlanningPolicy
    var intent: ControlPlaneIntent
    var observation: ControlPlaneObservation
    var held: HeldZone?

    private var isUnderWay: Bool { intent.update?.strategy == .inPlace }

    /// - Parameters:
    ///   - instances: that stay.
    ///   - current: whether an instance is what is wanted.
    ///   - wanted: what an instance is to become.
    func plan(
        _ instances: [InstanceObservation], current: (InstanceObservation) -> Bool, wanted: (InstanceObservation) -> InstanceIntent,
        _ result: inout APIServerPlanner.Result
    ) {
        let running = instances.filter { $0.state == .running }
        defer {
            // To end the first ones takes a while, and whoever is to take over does not wait for that.
            if !result.actions.contains(where: \.isPromotion) {
                result.actions += running.filter(\.isHandingOver).map { .finishHandover($0.id) }
            }
        }
        // What was begun and is not wanted any more.
        for instance in running where !instance.isHandingOver {
            guard let standby = instance.standby else { continue }
            let isWanted = isUnderWay && !current(instance) && standby.release == wanted(instance).release
            if !isWanted { result.actions.append(.removeStandby(instance.id)) }
        }
        let outdated = running.filter { !current($0) && !observation.isolatedInstances.contains($0.id.name) }
        guard isUnderWay, let next = outdated.first else { return }
        if let held {
            result.waits.append(.impaired(held.zone, "\(outdated.map(\.id.name).joined(separator: " and ")) are not patched"))
            return
        }
        var areFit = true
        for instance in outdated where instance.isHandingOver || !isFit(instance, wanted(instance), &result) { areFit = false }
        guard areFit else { return }
        // What has taken over serves before the next one's turn comes; what goes back has served before.
        let patched = running.first { current($0) && !serves($0) }
        if let patched, intent.update?.reversal == nil {
            result.waits.append(Wait("MinimumReady", "\(next.id.name) is patched when \(patched.id.name), which was patched, serves"))
            return
        }
        result.actions.append(.promoteStandby(wanted(next)))
    }

    private func serves(_ instance: InstanceObservation) -> Bool {
        observation.isolatedInstances.contains(instance.id.name)
            || observation.isReady(instance) && observation.isBalanced(instance.id.name)
    }

    /// Whether its second API server may take over; else what is done for that, and what is waited for.
    private func isFit(_ instance: InstanceObservation, _ wanted: InstanceIntent, _ result: inout APIServerPlanner.Result) -> Bool {
        guard let standby = instance.standbyInstance, standby.release == wanted.release else {
            result.actions.append(.ensureStandby(wanted))
            return false
        }
        let name = instance.id.name
        guard observation.isReady(standby) else {
            result.waits.append(Wait("StandbyNotReady", "the API server of \(wanted.release) on \(name) is starting: its /readyz does not say ok yet"))
            return false
        }
        let trial = observation.trials[standby.id.name] ?? InstanceTrial()
        if trial.passes > 0 { return true }
        let reason = trial.failure ?? "what customers do has not worked through it yet"
        result.waits.append(
            Wait(trial.failure == nil ? "OnTrial" : "CheckFails", "the API server of \(wanted.release) on \(name) gets no traffic: \(reason)"))
        if trial.needsCheck(policy.update) {
            let baseline = ([instance] + observation.substrate.instances).first { $0.role == .apiServer && observation.isReady($0) }
            result.actions.append(.checkInstance(standby.id, ServerAddress(instance.address, port: instance.standby?.port), baseline: baseline?.address))
        }
        return false
    }
}

extension Action {
    fileprivate var isPromotion: Bool { if case .promoteStandby = self { true } else { false } }
}
