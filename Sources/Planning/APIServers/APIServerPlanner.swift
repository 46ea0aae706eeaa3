import FleetModel
import Substrate

/// What is to be done about a cluster's API server instances and its endpoint. Invariant 2.
///
/// New instances come beside the old ones; an old one is drained only when the endpoint sends traffic to enough others, and
/// removed only when it has been drained.
struct APIServerPlanner {
    var policy: PlanningPolicy

    struct Result {
        var actions: [Action] = []
        var waits: [Wait] = []
        /// Ready instances that stay and that the endpoint sends traffic to.
        var serving = 0
        /// All that do, whether they stay or not.
        var answering = 0
        /// Addresses of instances that were cut off.
        var fenced: Set<IPv4Address> = []
    }

    func plan(
        _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation, _ evacuation: Evacuation, etcdHasQuorum: Bool
    ) -> Result {
        var result = Result()
        let all = observation.substrate.instances.filter { $0.role == .apiServer }.sorted { $0.id < $1.id }
        let trial = APIServerTrial(policy: policy, intent: intent, observation: observation)
        let exit = APIServerExit(policy: policy, intent: intent, observation: observation, evacuation: evacuation)
        let seen = all.filter { evacuation.zone == nil || $0.zone != evacuation.zone }
        let balancer = observation.substrate.loadBalancer
        func isReady(_ instance: InstanceObservation) -> Bool { observation.isReady(instance) }
        // Nobody is served by it, and not just for a moment: two witnesses, since a probe that fails must not cost an instance.
        func isUseless(_ instance: InstanceObservation) -> Bool {
            observation.unreadySeconds[instance.id.name, default: 0] > policy.replaceUnreadyAfter
                && !observation.isBalanced(instance.id.name)
        }

        // Its plugin does not come to work again, and another's does: it is this instance. One at a time: where the one that comes for it
        // does no better, that is something else.
        let mute = seen.first { instance in
            intent.update == nil && observation.unsealingSeconds[instance.id.name, default: 0] > policy.replaceUnsealingAfter
                && all.contains { isReady($0) && observation.isSealing($0) && observation.isBalanced($0.id.name) }
        }?.id

        // Which instances stay, and which are to go: outdated ones, and ones unready for too long. Without a quorum of etcd no
        // API server can be ready, and another one could not either.
        var keep: [InstanceObservation] = []
        var retire: [InstanceObservation] = []
        for instance in seen {
            let isHopeless = etcdHasQuorum && isUseless(instance)
            // In place, one of another release is no other than the new one.
            let stays = isCurrent(instance, intent) || intent.update?.strategy == .inPlace && isPatchable(instance, intent)
            stays && !isHopeless && instance.id != mute ? keep.append(instance) : retire.append(instance)
        }
        while keep.count > intent.spec.apiServerCount {
            let surplus = surplus(of: keep, isReady: isReady)
            keep.removeAll { $0.id == surplus.id }
            retire.append(surplus)
        }

        for instance in keep where instance.state != .running {
            var wanted = apiServer(named: instance.id.name, zone: instance.zone, address: instance.address, intent)
            // One that is to be patched is started as it was: it has its place, and what is new has yet to be checked.
            if intent.update?.isPatching == true, isPatchable(instance, intent) {
                wanted.release = instance.release
            }
            result.actions.append(.startInstance(wanted))
        }
        let newcomers = starts(
            missing: intent.spec.apiServerCount - keep.count, taken: all, keep: keep, retire: retire, intent, observation, &result.waits)
        result.actions += newcomers.map { .startInstance($0) }

        // The endpoint: those that stay take traffic; those that go are drained once it sends traffic to enough others; those
        // that are cut off lose their sessions.
        result.answering = all.count { isReady($0) && observation.isBalanced($0.id.name) }
        result.serving = keep.count { isReady($0) && observation.isBalanced($0.id.name) }
        let enough = min(policy.minimumReadyAPIServers, intent.spec.apiServerCount)
        // What cannot decrypt takes nobody's place, and neither does one that was found dead: it may answer again, and is cut off all
        // the same.
        let staying = keep.filter { observation.isSealing($0) && !evacuation.isIsolated($0.id.name) }
        let held = HeldZone(intent, observation)
        let taking = staying.count { isReady($0) && observation.isBalanced($0.id.name) }
        let mayDrain = held == nil && taking >= (trial.isForward ? intent.spec.apiServerCount : enough)
        func backend(_ instance: InstanceObservation, _ admission: LoadBalancerSpec.Admission) -> LoadBalancerSpec.Backend {
            .init(name: instance.id.name, address: instance.address, admission: admission)
        }
        var backends =
            keep.filter { trial.mayEnter($0) }.map { backend($0, exit.admissionOfOneThatStays($0, &result)) }
            + (trial.isUnderWay ? [] : newcomers.map { LoadBalancerSpec.Backend(name: $0.id.name, address: $0.address, admission: .ready) })
        for instance in retire where instance.state == .running && trial.hasPlace(instance) {
            let admission: LoadBalancerSpec.Admission = mayDrain || isUseless(instance) ? .drain : .ready
            backends.append(backend(instance, exit.isCutOff(instance, &result) ? .closed : admission))
        }
        for instance in all where evacuation.zone != nil && instance.zone == evacuation.zone {
            guard trial.hasPlace(instance) || instance.state != .running else {
                // On trial still: nobody is served by it, and nobody is to be now.
                if isReady(instance) { result.actions.append(.removeInstance(instance.id)) } else { result.fenced.insert(instance.address) }
                continue
            }
            guard let admission = exit.leave(instance, enough: enough, &result) else { continue }
            backends.append(backend(instance, admission))
        }
        InPlacePatch(policy: policy, intent: intent, observation: observation, held: held).plan(
            keep, current: { isCurrent($0, intent) },
            wanted: { apiServer(named: $0.id.name, zone: $0.zone, address: $0.address, intent) }, &result)
        trial.check(keep.filter { isCurrent($0, intent) }, retire, held, &result)
        backends.sort { $0.name < $1.name }
        let isPlaced =
            balancer?.state == .running && balancer.map { sameBackends($0.backends, backends) } == true
            && balancer?.access == intent.spec.endpointAccess && balancer?.trustRevision == intent.spec.trustRevision
        if !isPlaced, !backends.isEmpty || balancer?.state != .running {
            result.actions.append(
                .ensureLoadBalancer(
                    LoadBalancerIntent(
                        cluster: intent.cluster, network: intent.spec.network, backends: backends, access: intent.spec.endpointAccess,
                        trustRevision: intent.spec.trustRevision)))
        }

        result.actions += removals(
            retire, observation, trial, held, mayDrain: mayDrain, isUseless: isUseless, &result.waits)
        trial.controllers(all, leaving: mayDrain ? retire : [], evacuation, &result)
        for instance in keep + retire where isReady(instance) && !observation.isSealing(instance) {
            result.waits.append(
                Wait(
                    "KMSPluginDown",
                    "the KMS plugin of \(instance.id.name) does not do its work: what the API server has not at hand can be neither read nor written\(instance.quotedWords(of: .kmsPlugin))"
                ))
        }
        for instance in keep where instance.state == .running && !isReady(instance) {
            guard !evacuation.isIsolated(instance.id.name) else { continue }
            let problem = observation.health.apiServers[instance.id.name]?.problem.map { " (\($0))" } ?? ""
            result.waits.append(
                Wait("APIServerNotReady", "\(instance.id.name) in \(instance.zone) is starting: its /readyz does not say ok yet\(problem)"))
        }
        result.waits += keep.map(\.id.name).filter(evacuation.isIsolated).map(Wait.isolated)
        if result.waits.isEmpty, result.actions.isEmpty, result.serving < keep.count {
            result.waits.append(Wait("EndpointNotReady", "the load balancer's health checks have not passed yet on all API servers"))
        }
        return result
    }

    /// Of the zone that has the most; of these one that is not ready, else the youngest.
    private func surplus(of keep: [InstanceObservation], isReady: (InstanceObservation) -> Bool) -> InstanceObservation {
        let load = Dictionary(grouping: keep, by: \.zone).mapValues(\.count)
        let crowded = keep.filter { load[$0.zone] == load.values.max() }
        return crowded.last { !isReady($0) } ?? crowded.last ?? keep[keep.count - 1]
    }

    private func isCurrent(_ seen: InstanceObservation, _ intent: ControlPlaneIntent) -> Bool {
        intent.spec.zones.contains(seen.zone)
            && apiServer(named: seen.id.name, zone: seen.zone, address: seen.address, intent).matches(seen)
    }

    private func isPatchable(_ seen: InstanceObservation, _ intent: ControlPlaneIntent) -> Bool {
        intent.spec.zones.contains(seen.zone)
            && apiServer(named: seen.id.name, zone: seen.zone, address: seen.address, intent).isOfAnotherRelease(seen)
    }

    private func apiServer(named name: String, zone: ZoneName, address: IPv4Address, _ intent: ControlPlaneIntent) -> InstanceIntent {
        InstanceIntent(
            id: InstanceID(cluster: intent.cluster, name: name), role: .apiServer, zone: zone, size: intent.spec.apiServerSize,
            network: intent.spec.network, address: address, volume: nil, release: intent.spec.release,
            configurationRevision: intent.spec.revision(of: .apiServer))
    }

    /// New instances: the lowest free numbers, in the zones that have the fewest; of these, beside those that they come for.
    private func starts(
        missing: Int, taken: [InstanceObservation], keep: [InstanceObservation], retire: [InstanceObservation],
        _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation, _ waits: inout [Wait]
    ) -> [InstanceIntent] {
        guard missing > 0 else { return [] }
        let zones = intent.spec.zones.filter { !observation.unavailableZones.contains($0) }
        guard !zones.isEmpty else {
            waits.append(Wait("NoZone", "no zone is available for a new API server"))
            return []
        }
        var load = Dictionary(zones.map { zone in (zone, keep.count { $0.zone == zone }) }, uniquingKeysWith: { first, _ in first })
        func rank(_ zone: ZoneName) -> (Int, Int) { (load[zone] ?? 0, retire.contains { $0.zone == zone } ? 0 : 1) }
        let usedNames = Set(taken.map(\.id.name))
        let usedAddresses = Set(taken.map(\.address))
        let free = intent.spec.network.apiServers.enumerated().filter { index, address in
            !usedNames.contains("api-\(index + 1)") && !usedAddresses.contains(address)
                && !observation.substrate.fenced.contains(address)
        }
        if free.count < missing { waits.append(Wait("NoAddress", "the cluster's block \(intent.spec.network.block) has no free address")) }
        return free.prefix(missing).map { index, address in
            let zone = zones.min { rank($0) < rank($1) } ?? zones[0]
            load[zone, default: 0] += 1
            return apiServer(named: "api-\(index + 1)", zone: zone, address: address, intent)
        }
    }

    private func sameBackends(_ seen: [LoadBalancerObservation.Backend], _ wanted: [LoadBalancerSpec.Backend]) -> Bool {
        seen.sorted { $0.name < $1.name }.map { LoadBalancerSpec.Backend(name: $0.name, address: $0.address, admission: $0.admission) }
            == wanted
    }

    /// An instance goes when the endpoint no longer sends anything to it; one whose clients stay sends them away as it ends.
    private func removals(
        _ retire: [InstanceObservation], _ observation: ControlPlaneObservation, _ trial: APIServerTrial, _ held: HeldZone?,
        mayDrain: Bool, isUseless: (InstanceObservation) -> Bool, _ waits: inout [Wait]
    ) -> [Action] {
        retire.compactMap { instance in
            let backend = observation.backend(of: instance)
            if instance.state != .running { return .removeInstance(instance.id) }
            guard mayDrain || isUseless(instance) else {
                // Nobody is served by an instance that is not ready just now; but a fresh look may find it ready again.
                waits.append(
                    held.map { Wait.impaired($0.zone, "\(instance.id.name) stays") }
                        ?? Wait("MinimumReady", "\(instance.id.name) stays until enough other API servers are ready"))
                return nil
            }
            guard backend?.admission != .ready else { return nil }
            if let wait = trial.bake(instance) {
                waits.append(wait)
                return nil
            }
            if (backend?.openSessions ?? 0) == 0 || isUseless(instance) { return .removeInstance(instance.id) }
            if observation.drainingSeconds[instance.id.name, default: 0] > trial.drainLimit { return .retireInstance(instance.id) }
            waits.append(Wait("Draining", "\(instance.id.name) still has \(backend?.openSessions ?? 0) open sessions"))
            return nil
        }
    }
}
