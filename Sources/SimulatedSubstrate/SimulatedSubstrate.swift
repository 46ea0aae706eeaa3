import FleetModel
import Substrate
import Synchronization
import Timing

/// A call that is about to change something.
public enum SimulatedChange: Sendable {
    case ensureNetwork(NetworkSpec)
    case removeNetwork(ClusterName)
    case ensureVolume(VolumeSpec)
    case removeVolume(VolumeID)
    case ensureInstance(InstanceSpec)
    case removeInstance(InstanceID)
    case ensureStandby(InstanceSpec)
    case promoteStandby(InstanceSpec)
    case finishHandover(InstanceID)
    case removeStandby(InstanceID)
    case stopControllers(InstanceID)
    case startControllers(InstanceID)
    case ensureFence(ClusterName, Set<IPv4Address>)
    case ensureLoadBalancer(LoadBalancerSpec)
    case removeLoadBalancer(ClusterName)

    public var cluster: ClusterName {
        switch self {
        case .ensureNetwork(let spec): spec.cluster
        case .removeNetwork(let name), .removeLoadBalancer(let name): name
        case .ensureVolume(let spec): spec.id.cluster
        case .removeVolume(let id): id.cluster
        case .ensureInstance(let spec), .ensureStandby(let spec), .promoteStandby(let spec): spec.id.cluster
        case .removeInstance(let id), .removeStandby(let id), .finishHandover(let id), .stopControllers(let id),
            .startControllers(let id):
            id.cluster
        case .ensureFence(let name, _): name
        case .ensureLoadBalancer(let spec): spec.cluster
        }
    }
}

/// A substrate in memory: instances that take time to start, crash, and are restarted by supervision; zones that go dark;
/// calls that fail before, in the middle of or after their effect. All of it follows from a seed and a virtual clock.
public final class SimulatedSubstrate: Substrate {
    private struct State {
        var region = SimulatedRegion()
        var faults = SimulatedFaults.none
        var random: SeededRandom
        var audit: (@Sendable (SimulatedChange, Duration) -> Void)?
    }

    private let state: Mutex<State>
    private let time: TimeSource

    public init(time: TimeSource, seed: UInt64 = 0, timings: SimulatedTimings = SimulatedTimings()) {
        self.time = time
        self.state = Mutex(State(random: SeededRandom(seed: seed)))
        state.withLock { $0.region.timings = timings }
    }

    /// - Parameter audit: called right before a call changes anything, with the state still as it was, and with the time at which
    ///   the call was made.
    public func setAudit(_ audit: (@Sendable (SimulatedChange, Duration) -> Void)?) { state.withLock { $0.audit = audit } }

    public func setFaults(_ faults: SimulatedFaults) { state.withLock { $0.faults = faults } }

    public var callFaults: SimulatedFaults { state.withLock { $0.faults } }

    // MARK: The truth, at once and without fail

    public func trueState(of cluster: ClusterName) -> (substrate: SubstrateObservation, health: HealthObservation) {
        let now = time.uptime
        return state.withLock { state in
            guard state.region.clusters[cluster] != nil else { return (SubstrateObservation(), HealthObservation()) }
            let around = state.region.around(now)
            return state.region.change(cluster, now) { ($0.observation(around), $0.health(around)) }
        }
    }

    /// Of which something exists.
    public var existing: [ClusterName] { state.withLock { state in state.region.clusters.filter { !$0.value.isEmpty }.keys.sorted() } }

    /// Rules that the clusters' own life found broken.
    public var broken: [String] {
        state.withLock { state in
            state.region.clusters.keys.sorted().flatMap { name in state.region.clusters[name]?.broken.map { "\(name): \($0)" } ?? [] }
        }
    }

    /// Changes what exists by another hand than a caller's: faults.
    func disturb(_ body: (inout SimulatedRegion, Duration) -> Void) {
        let now = time.uptime
        state.withLock { body(&$0.region, now) }
    }

    // MARK: Calls

    private typealias Step = @Sendable (inout SimulatedRegion, Duration) throws -> Bool

    /// One call that changes something, in steps with time between them. A step returns false when nothing more is to be done.
    private func perform(_ change: SimulatedChange, _ steps: [Step]) async throws {
        let begun = time.uptime
        let (pause, fault) = state.withLock { state in
            var pause = state.region.timings.change * (0.5 + state.random.fraction())
            if state.random.chance(state.faults.slow) { pause += state.faults.slowness * state.random.fraction() }
            return (pause / (steps.count + 1), draw(&state))
        }
        try await sleep(pause)
        if fault == .before { throw SubstrateError(.unavailable, "the call failed before it did anything") }
        state.withLock { $0.audit }?(change, begun)
        for (index, step) in steps.enumerated() {
            let now = time.uptime
            guard try state.withLock({ try step(&$0.region, now) }) else { break }
            try await sleep(pause)
            if fault == .midway, index == 0, steps.count > 1 { throw SubstrateError(.failed, "the call failed half-way") }
        }
        if fault == .after { throw SubstrateError(.timedOut, "the reply was lost") }
    }

    private enum Fault { case none, before, midway, after }

    private func draw(_ state: inout State) -> Fault {
        let value = state.random.fraction()
        let faults = state.faults
        if value < faults.errorBefore { return .before }
        if value < faults.errorBefore + faults.errorMidway { return .midway }
        return value < faults.errorBefore + faults.errorMidway + faults.errorAfter ? .after : .none
    }

    private func sleep(_ duration: Duration) async throws {
        if duration > .zero { try await time.sleep(for: duration) } else { try Task.checkCancellation() }
    }

    public func prepare() async throws {}

    public func clusters() async throws -> [ClusterName] {
        try await look()
        return existing
    }

    public func observe(_ cluster: ClusterName) async throws -> SubstrateObservation {
        try await look()
        return trueState(of: cluster).substrate
    }

    private func look() async throws {
        let (pause, fault) = state.withLock { state -> (Duration, Fault) in
            let pause = state.region.timings.look
            guard pause > .zero else { return (.zero, .none) }
            return (pause * (0.5 + state.random.fraction()), draw(&state))
        }
        try await sleep(pause)
        if fault == .before { throw SubstrateError(.unavailable, "nothing answers") }
    }

    public func ensureNetwork(_ spec: NetworkSpec) async throws {
        try await perform(
            .ensureNetwork(spec),
            [
                {
                    try $0.beginNetwork(spec, $1); return true
                },
                {
                    try $0.endNetwork(spec, $1); return true
                },
            ])
    }

    public func removeNetwork(of cluster: ClusterName) async throws {
        try await perform(
            .removeNetwork(cluster),
            [
                {
                    $0.beginRemovingNetwork(cluster, $1); return true
                },
                {
                    $0.endRemovingNetwork(cluster, $1); return true
                },
            ])
    }

    public func ensureVolume(_ spec: VolumeSpec) async throws {
        try await perform(
            .ensureVolume(spec),
            [
                {
                    try $0.ensureVolume(spec, $1); return true
                }
            ])
    }

    public func removeVolume(_ id: VolumeID) async throws {
        try await perform(
            .removeVolume(id),
            [
                {
                    try $0.removeVolume(id, $1); return true
                }
            ])
    }

    public func ensureInstance(_ spec: InstanceSpec) async throws {
        let operation = state.withLock { $0.region.nextOperation() }
        try await perform(
            .ensureInstance(spec),
            [
                { try $0.beginInstance(spec, operation: operation, $1) },
                {
                    try $0.endInstance(spec, operation: operation, $1); return true
                },
            ])
    }

    public func removeInstance(_ id: InstanceID, gracefully: Bool) async throws {
        let operation = state.withLock { $0.region.nextOperation() }
        try await perform(
            .removeInstance(id),
            [
                {
                    try $0.beginRemoving(id, operation: operation, $1); return true
                },
                {
                    try $0.endRemoving(id, operation: operation, $1); return true
                },
            ])
    }

    public func ensureStandby(_ spec: InstanceSpec) async throws {
        try await perform(
            .ensureStandby(spec),
            [
                {
                    try $0.ensureStandby(spec, $1); return true
                }
            ])
    }

    public func promoteStandby(_ spec: InstanceSpec) async throws {
        try await perform(
            .promoteStandby(spec),
            [
                {
                    try $0.beginHandover(spec, $1); return true
                }
            ])
    }

    public func finishHandover(of id: InstanceID) async throws {
        try await perform(
            .finishHandover(id),
            [
                {
                    $0.endHandover(id, $1); return true
                }
            ])
    }

    /// Part of `finishHandover`, which follows it.
    public func exchangeControllers(of id: InstanceID) async throws -> [ComponentKind] {
        try await look()
        return []
    }

    public func stopControllers(of id: InstanceID) async throws {
        try await perform(
            .stopControllers(id),
            [
                {
                    try $0.setControllers(of: id, areStopped: true, $1); return true
                }
            ])
    }

    public func startControllers(of id: InstanceID) async throws {
        try await perform(
            .startControllers(id),
            [
                {
                    try $0.setControllers(of: id, areStopped: false, $1); return true
                }
            ])
    }

    public func removeStandby(of id: InstanceID) async throws {
        try await perform(
            .removeStandby(id),
            [
                {
                    try $0.removeStandby(of: id, $1); return true
                }
            ])
    }

    public func writeFiles(_ files: [InstanceFile], to id: InstanceID) async throws {
        try await look()
        guard trueState(of: id.cluster).substrate.instances.contains(where: { $0.id == id && $0.state == .running }) else {
            throw SubstrateError(.failed, "instance \(id) does not run")
        }
    }

    public func ensureFence(_ addresses: Set<IPv4Address>, of cluster: ClusterName) async throws {
        try await perform(
            .ensureFence(cluster, addresses),
            [
                {
                    $0.ensureFence(addresses, of: cluster, $1); return true
                }
            ])
    }

    /// Connections are not simulated.
    public func resetClients(of addresses: Set<IPv4Address>, in cluster: ClusterName) async throws { try await look() }

    public func ensureLoadBalancer(_ spec: LoadBalancerSpec) async throws {
        try await perform(
            .ensureLoadBalancer(spec),
            [
                {
                    try $0.ensureBalancer(spec, $1); return true
                }
            ])
    }

    public func removeLoadBalancer(of cluster: ClusterName) async throws {
        try await perform(
            .removeLoadBalancer(cluster),
            [
                { region, now in
                    if region.clusters[cluster] != nil { region.change(cluster, now) { $0.balancer = nil } }
                    return true
                }
            ])
    }

    public func paths(of id: InstanceID, volume: VolumeID?) -> InstancePaths {
        let directory = "/simulated/\(id.cluster)/\(id.name)"
        return InstancePaths(directory: directory, volume: volume == nil ? "" : "\(directory)/data", logs: "\(directory)/log")
    }
}

extension SimulatedSubstrate: HealthProbe {
    public func probe(_ target: ProbeTarget) async -> HealthObservation {
        do { try await look() } catch { return HealthObservation() }
        let health = trueState(of: target.cluster.name).health
        var seen = HealthObservation()
        state.withLock { state in
            // Each answer may be lost by itself.
            for member in target.etcdMembers where !state.random.chance(state.faults.errorBefore) && !isLate(member, target, &state) {
                seen.etcdMembers[member.name] = health.etcdMembers[member.name]
            }
            for server in target.apiServers where !state.random.chance(state.faults.errorBefore) && !isLate(server, target, &state) {
                seen.apiServers[server.name] = health.apiServers[server.name]
            }
        }
        return seen
    }

    private func isLate(_ instance: ProbeTarget.Instance, _ target: ProbeTarget, _ state: inout State) -> Bool {
        let lateness = state.region.lateness(of: InstanceID(cluster: target.cluster.name, name: instance.name))
        return lateness > 0 && state.random.chance(lateness)
    }
}
