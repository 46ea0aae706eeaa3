import FleetModel
import FleetStore
import Planning
import SimulatedSubstrate
import Substrate
import Synchronization

/// What the customers asked for, kept apart from everything that is tested; and the judge of every change to the substrate.
final class Ledger: Sendable {
    struct Entry: Sendable {
        var spec: ControlPlaneSpec
        var isDeleting = false
        var isEstablished = false
        /// A fault destroyed one of its volumes: no second one, which could take a majority.
        var hasLostVolume = false
        /// Of the last fault that touched it.
        var lastFault: Duration = .zero
        /// When a fence was last taken from an address.
        var lastLift: Duration = .zero
        /// Of two at most: the one that is under way, and the last that has ended.
        var updates: [Update] = []
    }

    private struct State {
        var entries: [ClusterName: Entry] = [:]
        var lives: [String: ManagerLife] = [:]
        var violations: [String] = []
        var changes = 0
        var ends: [ClusterUpdate.Status: Int] = [:]
        var lastCall: [ClusterName: Duration] = [:]
        /// Calls to the substrate are quick and do not fail since then; nil: they are not, or do.
        var fineCallsSince: Duration? = .zero
    }

    private let state = Mutex(State())
    /// How long it takes until what ended by itself is back.
    private let recovery: Duration
    let substrate: SimulatedSubstrate
    let trace: SimulationTrace

    init(substrate: SimulatedSubstrate, trace: SimulationTrace, recovery: Duration) {
        self.recovery = recovery
        self.substrate = substrate
        self.trace = trace
    }

    var violations: [String] { state.withLock { $0.violations } }
    /// Calls that changed the substrate.
    var changes: Int { state.withLock { $0.changes } }
    var entries: [ClusterName: Entry] { state.withLock { $0.entries } }

    /// How updates have ended.
    var ends: [ClusterUpdate.Status: Int] { state.withLock { $0.ends } }
    func countEnd(_ status: ClusterUpdate.Status) { state.withLock { $0.ends[status, default: 0] += 1 } }

    /// Clusters of which a change was asked for after `time`.
    func changed(after time: Duration) -> [ClusterName] {
        state.withLock { state in state.lastCall.filter { $0.value > time }.keys.sorted() }
    }

    func add(_ name: ClusterName, _ spec: ControlPlaneSpec) { state.withLock { $0.entries[name] = Entry(spec: spec) } }
    func forget(_ name: ClusterName) { state.withLock { $0.entries[name] = nil } }
    func update(_ name: ClusterName, _ change: (inout Entry) -> Void) {
        state.withLock { state in
            guard var entry = state.entries[name] else { return }
            change(&entry)
            state.entries[name] = entry
        }
    }
    /// Whether calls to the substrate are quick and do not fail from now on.
    func noteCalls(areFine: Bool, at now: Duration) {
        state.withLock { $0.fineCallsSince = areFine ? $0.fineCallsSince ?? now : nil }
    }
    var fineCallsSince: Duration? { state.withLock { $0.fineCallsSince } }
    func register(_ life: ManagerLife) { state.withLock { $0.lives[life.name] = life } }

    /// A fault touches a cluster, or all of them: what a manager has seen before it is no longer true, without its fault.
    func noteFault(on name: ClusterName? = nil, at now: Duration) {
        state.withLock { state in
            for key in state.entries.keys where name == nil || key == name {
                let known = state.entries[key]?.lastFault ?? .zero
                state.entries[key]?.lastFault = max(known, now)
            }
        }
    }

    /// Before a change happens: is it allowed in the state that is really there?
    /// - Parameter ended: called for an instance that answers and is ended because it is out of service.
    func judge(_ change: SimulatedChange, begun: Duration, ended: (InstanceObservation) -> Void) {
        let name = change.cluster
        let actor = SimulationActor.name
        trace.add("\(name): \(Self.text(change))")
        let (entry, life) = state.withLock { state in
            state.changes += 1
            state.lastCall[name] = max(state.lastCall[name] ?? .zero, begun)
            return (state.entries[name], state.lives[actor])
        }
        guard let entry else {
            if case .ensureInstance = change { accuse("something is started for \(name), which does not exist", name) }
            return
        }
        let truth = substrate.trueState(of: name)
        let observed = life?.lastObserved(name.rawValue) ?? .zero
        let intent = ControlPlaneIntent(
            cluster: name, spec: entry.spec, isDeleting: entry.isDeleting, isEstablished: entry.isEstablished)
        let view = life?.view(of: name) ?? ManagerLife.View()
        var observation = ControlPlaneObservation(
            substrate: truth.substrate, health: truth.health, unavailableZones: view.zones, isolatedInstances: view.isolated,
            membership: substrate.members(of: name).compactMap { member in
                member.address.map { EtcdMembership(address: $0, isLearner: member.isLearner, hasStarted: member.hasStarted) }
            })
        observation.impairedZones = view.impaired
        for proven in substrate.provenAPIServers(of: name) { observation.trials[proven, default: InstanceTrial()].passes = 1 }
        if case .ensureFence(_, let addresses) = change {
            // Who answers the world may not have answered the manager: a lost answer is nobody's mistake.
            for instance in truth.substrate.instances where addresses.contains(instance.address) {
                observation.health.etcdMembers[instance.id.name] = nil
            }
        }
        if case .removeInstance(let id) = change, let instance = truth.substrate.instances.first(where: { $0.id == id }),
            view.zones.contains(instance.zone) || view.isolated.contains(id.name), instance.state == .running,
            truth.health.etcdMembers[id.name] != nil || truth.health.apiServers[id.name] != nil
        {
            ended(instance)
        }
        let judged = entry.updates(knownAt: min(observed, begun)).map { update -> [InvariantViolation] in
            var intent = intent
            intent.update = update
            return Invariants().violations(of: [Self.action(change)], intent, observation)
        }
        let found = judged.min { $0.count < $1.count } ?? []
        // A fault since the manager looked is nobody's mistake.
        let lastEnd = substrate.lastEnd(in: name).map { $0 + recovery } ?? .zero
        let isExcused = max(entry.lastFault, lastEnd) >= observed
        // All of a plan happens at the same time: whoever serves by a fence that it lifts did not serve when it was made.
        let hasLifted = entry.lastLift >= observed
        for violation in found where !(isExcused && [1, 2, 5].contains(violation.number)) && !(hasLifted && violation.number == 5) {
            accuse("\(violation)", name)
        }
        if case .ensureFence(_, let addresses) = change, !truth.substrate.fenced.isSubset(of: addresses) {
            update(name) { $0.lastLift = max($0.lastLift, trace.now) }
        }
        for violation in Invariants().violations(in: truth.substrate) { accuse("\(violation)", name) }
    }

    func accuse(_ text: String, _ name: ClusterName) {
        trace.add("\(name): VIOLATION \(text)")
        state.withLock { $0.violations.append("\(name): \(text)") }
    }

    private static func action(_ change: SimulatedChange) -> Action {
        switch change {
        case .ensureNetwork(let spec): .ensureNetwork(spec)
        case .removeNetwork(let name): .removeNetwork(name)
        case .ensureVolume(let spec): .ensureVolume(spec)
        case .removeVolume(let id): .removeVolume(id)
        case .ensureInstance(let spec): .startInstance(intent(spec))
        case .ensureStandby(let spec): .ensureStandby(intent(spec))
        case .promoteStandby(let spec): .promoteStandby(intent(spec))
        case .finishHandover(let id): .finishHandover(id)
        case .removeStandby(let id): .removeStandby(id)
        case .stopControllers(let id): .stopControllers(id)
        case .startControllers(let id): .startControllers(id)
        case .removeInstance(let id): .removeInstance(id)
        case .ensureFence(let name, let addresses): .ensureFence(name, addresses)
        case .ensureLoadBalancer(let spec):
            .ensureLoadBalancer(LoadBalancerIntent(cluster: spec.cluster, network: spec.network, backends: spec.backends))
        case .removeLoadBalancer(let name): .removeLoadBalancer(name)
        }
    }

    private static func intent(_ spec: InstanceSpec) -> InstanceIntent {
        InstanceIntent(
            id: spec.id, role: spec.role, zone: spec.zone, size: spec.size, network: spec.network, address: spec.address,
            volume: spec.volume, release: spec.release, configurationRevision: spec.configurationRevision)
    }

    private static func text(_ change: SimulatedChange) -> String {
        if case .ensureInstance(let spec) = change {
            return "ensure instance \(spec.id.name) (\(spec.release), revision \(spec.configurationRevision), \(spec.size.name))"
        }
        return action(change).title
    }
}
