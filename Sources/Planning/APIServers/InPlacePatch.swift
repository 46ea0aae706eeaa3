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
        // Who was found dead does nothing that it is told, and would keep everybody waiting.
        let running = instances.filter { $0.state == .running && !observation.isolatedInstances.contains($0.id.name) }
        defer {
            // To end the first ones takes a while, and whoever is to take over does not wait for that.
            if !result.actions.contains(where: \.isPromotion) {
                result.actions += running.filter { $0.isHandingOver && mayFinish($0) }.map { .finishHandover($0.id) }
            }
        }
        // What was begun and is not wanted any more.
        for instance in running where !instance.isHandingOver {
            guard let standby = instance.standby else { continue }
            let isWanted = isUnderWay && !current(instance) && standby.release == wanted(instance).release
            if !isWanted { result.actions.append(.removeStandby(instance.id)) }
        }
        let outdated = running.filter { !current($0) }
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
        observation.isReady(instance) && observation.isBalanced(instance.id.name)
    }

    /// The server of before is kept while its successor does not serve, unless that goes back, too.
    private func mayFinish(_ instance: InstanceObservation) -> Bool {
        serves(instance) || !isUnderWay || intent.update?.reversal != nil
    }

    /// Whether its second API server may take over; else what is done for that, and what is waited for.
    private func isFit(_ instance: InstanceObservation, _ wanted: InstanceIntent, _ result: inout APIServerPlanner.Result) -> Bool {
        guard let standby = instance.standbyInstance, standby.release == wanted.release else {
            result.actions.append(.ensureStandby(wanted))
            return false
        }
        let name = instance.id.name
        guard observation.isReady(standby) else {
            // It may have been begun, and not finished.
            if instance.standby?.component.isUp == false { result.actions.append(.ensureStandby(wanted)) }
            result.waits.append(
                Wait("StandbyNotReady", "the API server of \(wanted.release) on \(name) is starting: its /readyz does not say ok yet"))
            return false
        }
        let trial = observation.trials[standby.id.name] ?? InstanceTrial()
        if trial.hasPassedOnce(policy.update) || observation.mayGoBack(standby, intent) { return true }
        let reason = trial.failure ?? trial.commonFailure ?? "what customers do has not worked through it yet"
        result.waits.append(
            Wait(
                trial.failure == nil ? "OnTrial" : "CheckFails", "the API server of \(wanted.release) on \(name) gets no traffic: \(reason)"
            ))
        if trial.needsCheck(policy.update) {
            let baseline = ([instance] + observation.substrate.instances).first { $0.role == .apiServer && observation.isReady($0) }
            // Beside it runs what the first one has.
            let server = ServerAddress(instance.address, port: instance.standby?.port, hasControllers: false)
            result.actions.append(
                .checkInstance(
                    standby.id, server, baseline: baseline.map { ServerAddress($0.address, port: $0.serverPort, hasControllers: false) }))
        }
        return false
    }
}

extension Action {
    fileprivate var isPromotion: Bool { if case .promoteStandby = self { true } else { false } }
}

extension ControlPlaneObservation {
    /// On the way back one may take over of which the check says nothing, since it fails through others as well.
    func mayGoBack(_ standby: InstanceObservation, _ intent: ControlPlaneIntent) -> Bool {
        guard intent.update?.reversal != nil, isReady(standby), let trial = trials[standby.id.name] else { return false }
        return trial.secondsSinceCheck != nil && trial.failure == nil
    }
}
