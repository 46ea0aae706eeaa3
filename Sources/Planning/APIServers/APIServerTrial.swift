import FleetModel
import Substrate

/// While an update is under way: which API servers the endpoint gives traffic to, whose check is due, and how long those of before
/// stay at hand. Invariant 2.
///
/// A new one gets traffic when it has passed, for a while and without any of its processes ending, the check that does what
/// customers do. Those of before stay, drained, until the new ones have had all the traffic for a while: going back is then a word
/// to the endpoint.
struct APIServerTrial {
    var policy: PlanningPolicy
    var intent: ControlPlaneIntent
    var observation: ControlPlaneObservation

    var isUnderWay: Bool { intent.isUpdating }

    /// By new instances, and not on the way back.
    var isForward: Bool { intent.update.map { $0.reversal == nil && $0.strategy != .inPlace } ?? intent.isResealing }

    /// Seconds until a drained one is ended though some clients stay.
    var drainLimit: Double { isUnderWay ? min(policy.drainLimit, bakeTime) : policy.drainLimit }

    /// Seconds for which those of before stay at hand.
    private var bakeTime: Double { isForward && intent.changesRelease ? policy.update.releaseBake : policy.update.bake }

    /// One that is to go and was never given any traffic gets none now.
    func hasPlace(_ instance: InstanceObservation) -> Bool { !isUnderWay || observation.admission(of: instance) != nil }

    /// Whether one that stays has, or gets, its place behind the endpoint.
    func mayEnter(_ instance: InstanceObservation) -> Bool {
        hasPlace(instance)
            || observation.isReady(instance) && observation.isSealing(instance) && trial(of: instance).hasPassed(policy.update)
    }

    private func trial(of instance: InstanceObservation) -> InstanceTrial { observation.trials[instance.id.name] ?? InstanceTrial() }

    /// The checks that are due, and what is waited for.
    func check(
        _ keep: [InstanceObservation], _ retire: [InstanceObservation], _ held: HeldZone?, _ result: inout APIServerPlanner.Result
    ) {
        guard isUnderWay else { return }
        for instance in keep where observation.isReady(instance) {
            let isIn = observation.admission(of: instance) == .ready
            // Those that serve are looked at while the others are still at hand; those that are patched, until they are proven.
            let isPatch = intent.update?.isPatching == true
            let mayAnswer = instance.components.allSatisfy { $0.isUp && $0.seconds >= policy.update.helperStart }
            let isUnproven =
                isPatch
                && (!trial(of: instance).hasPassedOnce(policy.update)
                    || mayAnswer && !observation.areHelpersChecked(instance, policy.update))
            guard !isIn || isUnproven || isForward && !retire.isEmpty else { continue }
            if let held {
                result.waits.append(.impaired(held.zone, "\(instance.id.name) is not tried"))
                continue
            }
            if !isIn { result.waits.append(wait(instance)) }
            guard trial(of: instance).needsCheck(policy.update) else { continue }
            let others = observation.substrate.instances.filter {
                $0.role == .apiServer && $0.id != instance.id && observation.isReady($0) && observation.admission(of: $0) != nil
            }
            // Two that are new may fail alike.
            let baseline = others.first(where: isOfBefore) ?? others.first
            result.actions.append(.checkInstance(instance.id, .server(of: instance), baseline: baseline.map(ServerAddress.server)))
        }
    }

    /// On the way back, too: what was before is good.
    private func isOfBefore(_ instance: InstanceObservation) -> Bool {
        guard let spec = intent.update?.previous else { return instance.configurationRevision < intent.spec.revision(of: .apiServer) }
        return instance.release == spec.release(of: .apiServer) && instance.configurationRevision == spec.revision(of: .apiServer)
    }

    private func wait(_ instance: InstanceObservation) -> Wait {
        let trial = trial(of: instance)
        if let failure = trial.failure { return Wait("CheckFails", "\(instance.id.name) gets no traffic: \(failure)") }
        let common = trial.commonFailure.map { "; through those of before it does not work either: \($0)" } ?? ""
        return Wait(
            "OnTrial",
            "\(instance.id.name) gets traffic when what customers do has worked through it for \(Int(policy.update.trial)) s\(common)")
    }

    /// Why a drained one of before stays at hand; nil: it need not.
    func bake(_ instance: InstanceObservation) -> Wait? {
        // Of one that was cut off there is nothing to go back to.
        guard isForward, let admission = observation.admission(of: instance), admission != .closed else { return nil }
        if let (name, trial) = observation.trials.filter({ $0.value.failure != nil }).min(by: { $0.key < $1.key }),
            let failure = trial.failure
        {
            return Wait("Baking", "\(instance.id.name) stays at hand, since the check of \(name) fails: \(failure)")
        }
        let ended = observation.substrate.instances.sorted { $0.id < $1.id }.first { other in
            let isConcerned =
                other.role == .etcd ? intent.update?.isNew(other, intent.spec) == true : observation.isBalanced(other.id.name)
            return isConcerned && observation.mayEndAgain(other.id.name, policy.update)
        }?.id.name
        if let ended {
            return Wait(
                "Baking",
                "\(instance.id.name) stays at hand until \(ended), which has ended by itself, has been ready for \(Int(policy.update.bakeAfterEnd)) s"
            )
        }
        if observation.drainingSeconds[instance.id.name, default: 0] < bakeTime {
            return Wait("Baking", "\(instance.id.name) stays at hand until the new API servers have served for \(Int(bakeTime)) s")
        }
        return observation.controllerThatMayNotLead(intent, policy.update).map {
            Wait("Baking", "\(instance.id.name) stays at hand until a \($0.rawValue) of the new release has led for a while")
        }
    }

    /// Of those that go the controllers end as soon as nobody new is sent to them: those of the new release are at work, and seen to be,
    /// while going back is no more than a word to the endpoint. Of those that stay after all they start again.
    func controllers(
        _ instances: [InstanceObservation], leaving: [InstanceObservation], _ evacuation: Evacuation,
        _ result: inout APIServerPlanner.Result
    ) {
        let isUpdate = isForward && intent.update != nil
        for instance in instances where instance.state == .running {
            guard !evacuation.isIsolated(instance.id.name), !observation.isDoubtful(instance.zone), !result.concerns(instance) else {
                continue
            }
            let isLeaving = isUpdate && leaving.contains(instance) && observation.admission(of: instance) == .drain
            if isLeaving, !instance.hasNoControllers { result.actions.append(.stopControllers(instance.id)) }
            if !isLeaving, instance.hasStoppedControllers { result.actions.append(.startControllers(instance.id)) }
        }
    }
}

extension APIServerPlanner.Result {
    /// Something else is done with it.
    fileprivate func concerns(_ instance: InstanceObservation) -> Bool { actions.contains { $0.disturbs == instance.id } }
}

extension ServerAddress {
    /// With all that is beside it.
    static func server(of instance: InstanceObservation) -> ServerAddress {
        ServerAddress(instance.address, hasControllers: !instance.hasStoppedControllers)
    }
}
