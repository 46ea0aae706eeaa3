import FleetModel
import Substrate

/// Decides whether an update goes on, goes back, or has ended. Pure; what it decides is written down as intent.
public struct UpdateJudge: Sendable {
    public var policy: PlanningPolicy

    public init(policy: PlanningPolicy = PlanningPolicy()) { self.policy = policy }

    public enum Verdict: Hashable, Sendable {
        /// All is as wanted: as the update asked, or, when it has gone back, as before it.
        case ended
        /// It is no good.
        case goBack(reason: String, errorCode: String)
        /// The last update has ended, and what it brought is no good after all.
        case takeBack(reason: String)
        /// By the plan, the last etcd member goes over to the new storage: from there is no way back, which is written down first.
        case etcdMovesOn
    }

    /// - Parameter plan: of the same intent and observation.
    /// - Returns: nil: it goes on.
    public func verdict(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation, _ plan: Plan) -> Verdict? {
        guard !intent.isDeleting, intent.restore == nil, intent.recovery == nil else { return nil }
        guard let update = intent.update else { return afterwards(intent, observation) }
        if isThrough(intent, update, observation, plan), haveStood(intent, update, observation),
            observation.leaderlessController(intent, policy.update) == nil
        {
            return .ended
        }
        if update.reversal == nil, let found = fault(intent, update, observation, plan) {
            return .goBack(reason: found.reason, errorCode: found.code)
        }
        let isLast = update.changesEtcdStorage && !update.hasMovedEtcd && movesEtcdOn(plan, intent, update, observation)
        return isLast ? .etcdMovesOn : nil
    }

    /// API servers that end by themselves soon after an update has ended. Ends of zones' faults and of a lost quorum do not count; those by
    /// a signal, which may be anybody's, only when it is so with each API server again and again.
    private func afterwards(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> Verdict? {
        guard let past = intent.proving?.update, !intent.isResealing else { return nil }
        // In place they keep their names, and perhaps their troubles.
        let troubled = past.strategy == .inPlace ? past.troubled : []
        let servers = observation.substrate.instances.sorted { $0.id < $1.id }.filter {
            $0.role == .apiServer && $0.release == intent.spec.release && !troubled.contains($0.id.name)
        }
        let key = ComponentKind.apiServer.rawValue
        let ends = servers.map { observation.trials[$0.id.name]?.ends[key] ?? 0 }
        let kills = servers.map { observation.trials[$0.id.name]?.kills[key] ?? 0 }
        let limit = policy.update.endLimit
        let own = zip(ends, kills).reduce(0) { $0 + max(0, $1.0 - $1.1) }
        guard own >= limit || !ends.isEmpty && ends.allSatisfy({ $0 >= limit }) else { return nil }
        let names = zip(servers, ends).filter { $0.1 > 0 }.map(\.0.id.name).joined(separator: ", ")
        let words = servers.lazy.flatMap(\.components).first { $0.kind == .apiServer && $0.lastWords != nil }?.lastWords
        return .takeBack(
            reason:
                "\(key) of release \(intent.spec.release) has ended \(ends.reduce(0, +)) times on \(names) since its start\(ComponentObservation.quoted(words))"
        )
    }

    /// All is as wanted; or what this update is about is, and what else is amiss in the cluster, such as a member of etcd that is broken
    /// or a zone that is out of service, has nothing to do with it.
    private func isThrough(
        _ intent: ControlPlaneIntent, _ update: UpdateIntent, _ observation: ControlPlaneObservation, _ plan: Plan
    ) -> Bool {
        switch plan.outlook {
        case .healthy: plan.actions.isEmpty && plan.waits.isEmpty
        case .degraded:
            plan.areAPIServersThrough && isGone(intent, update, observation) && maySeal(intent, observation)
                && !update.concernsEtcd(intent.spec)
                && EtcdMember.all(of: intent).allSatisfy { isLeftAlone($0, update, observation) }
        case .unavailable, .gone: false
        }
    }

    /// What comes after an encryption's begin cannot be read by an API server of before, also when that one's zone comes back.
    private func maySeal(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> Bool {
        !intent.isResealing || observation.areAPIServersThrough(intent)
    }

    /// On the way back: nothing is left of what was no good, also not in a zone that is out of service and may come back.
    private func isGone(_ intent: ControlPlaneIntent, _ update: UpdateIntent, _ observation: ControlPlaneObservation) -> Bool {
        update.reversal == nil
            || observation.substrate.instances.allSatisfy {
                $0.role != .apiServer || $0.state != .running
                    || $0.release == intent.spec.release(of: .apiServer)
                        // Lower ones are of before, and higher ones will be given again.
                        && $0.configurationRevision <= intent.spec.revision(of: .apiServer)
            }
    }

    /// A member of etcd that is what is wanted; on the way back, also well again, unless it was not before or its zone is not.
    private func isLeftAlone(_ member: EtcdMember, _ update: UpdateIntent, _ observation: ControlPlaneObservation) -> Bool {
        guard let seen = observation.instance(member.id) else { return update.reversal == nil || observation.isDoubtful(member.zone) }
        guard member.intent.matches(seen) else { return false }
        return update.reversal == nil || observation.isHealthy(member) || update.troubled.contains(member.id.name)
            || observation.isDoubtful(member.zone)
    }

    /// What is new has been ready for a while without a break: what ends some time after its start is not taken for good.
    private func haveStood(_ intent: ControlPlaneIntent, _ update: UpdateIntent, _ observation: ControlPlaneObservation) -> Bool {
        update.reversal != nil
            || observation.substrate.instances.allSatisfy { instance in
                guard update.isNew(instance, intent.spec) else { return true }
                // New instances get no place before their check; patched ones have theirs.
                if update.strategy == .inPlace, instance.role == .apiServer {
                    guard observation.trials[instance.id.name]?.hasPassedOnce(policy.update) == true,
                        observation.areHelpersChecked(instance, policy.update)
                    else { return false }
                }
                let isUrgent = update.strategy == .inPlace || !intent.changesRelease
                let time = isUrgent ? policy.update.trial : policy.update.releaseBake
                // Each of its processes, also those that run beside an API server, which are exchanged last in a patch.
                guard instance.components.allSatisfy({ $0.isUp && $0.seconds >= time }) else { return false }
                return observation.readySeconds[instance.id.name, default: 0] >= time
                    && !observation.mayEndAgain(instance.id.name, policy.update)
            }
    }

    private struct Fault {
        var reason: String
        var code = "Unknown"
    }

    private func fault(
        _ intent: ControlPlaneIntent, _ update: UpdateIntent, _ observation: ControlPlaneObservation, _ plan: Plan
    ) -> Fault? {
        let policy = policy.update
        for (name, trial) in observation.trials.sorted(by: { $0.key < $1.key }) where trial.failedStarts >= policy.failedStartLimit {
            let holder = InstanceID(cluster: intent.cluster, name: name).holder.name
            guard trial.isStartFailureOfRelease || !update.troubled.contains(holder) else { continue }
            return Fault(reason: "\(holder) cannot be started: \(trial.startFailure ?? "")")
        }
        let hasQuorum = observation.hasEtcdQuorum(intent)
        for instance in observation.substrate.instancesAndStandbys.sorted(by: { $0.id < $1.id }) where update.isNew(instance, intent.spec) {
            // What a fault of the zone does is not the release's doing.
            guard !observation.isDoubtful(instance.zone), !observation.isolatedInstances.contains(instance.id.holder.name) else { continue }
            if let problem = instance.ownComponents.lazy.compactMap(\.problem).first {
                return Fault(reason: "\(instance.id.holder.name): \(problem)")
            }
            // Nor is what was there before it.
            guard !update.troubled.contains(instance.id.holder.name) else { continue }
            if let fault = fault(of: instance, intent, hasQuorum: hasQuorum, observation) { return fault }
        }
        if observation.leaderlessSeconds > policy.leadLimit, hasQuorum, let kind = observation.leaderlessController(intent, policy) {
            return Fault(
                reason: "no \(kind.rawValue) of release \(intent.spec.release) has led within \(Int(policy.leadLimit)) s")
        }
        guard observation.updateSeconds > policy.limit else { return nil }
        let waits = plan.waits.map(\.message).joined(separator: "; ")
        return Fault(reason: "not finished after \(Int(policy.limit)) s: \(waits.isEmpty ? "actions fail; the steps say why" : waits)")
    }

    private func fault(
        of instance: InstanceObservation, _ intent: ControlPlaneIntent, hasQuorum: Bool, _ observation: ControlPlaneObservation
    ) -> Fault? {
        let policy = policy.update
        let name = instance.id.holder.name
        let trial = observation.trials[instance.id.name] ?? InstanceTrial()
        for (component, count) in trial.ends.sorted(by: { $0.key < $1.key }) {
            let isMain = component == ComponentKind.apiServer.rawValue || component == ComponentKind.etcd.rawValue
            guard count >= (isMain ? policy.endLimit : policy.helperEndLimit) else { continue }
            let words = instance.components.first { $0.kind.rawValue == component }?.lastWords
            return Fault(
                reason:
                    "\(component) of release \(instance.release) on \(name) has ended \(count) times\(ComponentObservation.quoted(words))")
        }
        let unready = observation.unreadySeconds[instance.id.name, default: 0]
        switch instance.role {
        case .etcd:
            let isAnother = intent.update.map { $0.previous.etcdRelease != intent.spec.etcdRelease } ?? false
            if isAnother, trial.recentFailures >= UpdatePolicy.checkFailureLimit {
                return Fault(
                    reason:
                        "\(name) on release \(instance.release) is slow: of the last \(UpdatePolicy.checkWindow) looks \(trial.recentFailures) found that it answers after more than a second, and another member much sooner"
                )
            }
            guard unready > policy.startLimit else { return nil }
            let words = instance.components.first?.lastWords
            return Fault(
                reason:
                    "\(name) on release \(instance.release) has not joined etcd within \(Int(policy.startLimit)) s\(ComponentObservation.quoted(words))"
            )
        case .apiServer:
            // Without etcd no API server is any good.
            guard hasQuorum else { return nil }
            if let failure = trial.failure, trial.failures >= 3, trial.failingSeconds > policy.checkPatience {
                return Fault(
                    reason:
                        "\(name) on release \(instance.release) fails the check that an instance of before passes: \(failure)",
                    code: "ClusterUnreachable")
            }
            if let failure = trial.failure, trial.recentFailures >= UpdatePolicy.checkFailureLimit {
                return Fault(
                    reason:
                        "\(name) on release \(instance.release) fails \(trial.recentFailures) of \(UpdatePolicy.checkWindow) checks that an instance of before passes: \(failure)",
                    code: "ClusterUnreachable")
            }
            if observation.unsealingSeconds[instance.id.name, default: 0] > policy.startLimit {
                return Fault(
                    reason:
                        "the KMS plugin of \(name) has not done its work for \(Int(policy.startLimit)) s\(instance.quotedWords(of: .kmsPlugin))",
                    code: "ClusterUnreachable")
            }
            let limit = intent.asksPluginForEachSecret ? policy.sealedStartLimit : policy.startLimit
            guard unready > limit else { return nil }
            let words = instance.components.lazy.compactMap(\.lastWords).first
            let problem = observation.health.apiServers[instance.id.name]?.problem.map { " (its /readyz says: \($0))" } ?? ""
            return Fault(
                reason:
                    "\(name) on release \(instance.release) was not ready for \(Int(limit)) s\(problem)\(ComponentObservation.quoted(words))",
                code: "ClusterUnreachable")
        case .loadBalancer: return nil
        }
    }

    /// etcd raises its cluster version when each member has the new one, and from then on the old one refuses the data. That each is
    /// started is taken for it: a moment too early is harmless, a moment too late is not.
    ///
    /// Members are who etcd says they are: without the one that is removed the others may be all.
    private func movesEtcdOn(
        _ plan: Plan, _ intent: ControlPlaneIntent, _ update: UpdateIntent, _ observation: ControlPlaneObservation
    ) -> Bool {
        let target = update.abandonedEtcdRelease ?? intent.spec.etcdRelease
        guard target != update.previous.etcdRelease else { return false }
        var members = EtcdMember.all(of: intent)
        if let known = observation.membership {
            members.removeAll { member in !known.contains { $0.address == member.intent.address } }
        }
        var releases = Dictionary(
            observation.substrate.instances.map { ($0.id, $0.release) }, uniquingKeysWith: { first, _ in first })
        for action in plan.actions {
            switch action {
            case .startInstance(let instance), .replaceInstance(let instance): releases[instance.id] = instance.release
            case .removeMember(let id): members.removeAll { $0.id == id }
            default: break
            }
        }
        return !members.isEmpty && members.allSatisfy { releases[$0.id] == target }
    }
}
