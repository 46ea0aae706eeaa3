import Fleet
import FleetModel
import FleetStore
import Foundation
import Logging
import Planning
import SimulatedSubstrate
import Substrate
import Synchronization
import Timing

/// Many settled clusters in one process, to measure what they cost: memory, and one full pass with nothing to do.
public struct SimulatedFleet: Sendable {
    public struct Measurement: Sendable {
        public var clusters: Int
        /// Real time of one pass over all clusters in which nothing was to be done.
        public var passSeconds: Double
        /// Real time to make them.
        public var buildSeconds: Double
        /// Of this process, before and after; clusters, store, substrate and queue.
        public var residentBytesBefore: Int
        public var residentBytesAfter: Int
        /// Store revisions that the pass made: 0, or it was not idle.
        public var writes: Int
    }

    public var clusters: Int

    public init(clusters: Int) { self.clusters = clusters }

    /// - Throws: `FleetModelError` when the address pool is too small, or what broke.
    public func measure() async throws -> Measurement {
        let fleet = self
        return try await onThread { Result { try FleetYard(fleet.clusters).measure() } }.get()
    }
}

/// The clusters of one measurement.
private final class FleetYard: Sendable {
    private let count: Int
    private let clock = VirtualTime()
    private let substrate: SimulatedSubstrate
    private let store: MemoryStore
    private let cell = CellName(rawValue: "a")
    private let region = Region.standard(name: "sim-1")
    /// Room for 131,072 clusters.
    private let pool = IPv4Block(base: IPv4Address(bits: 100 << 24 | 64 << 16), prefixLength: 10)

    init(_ count: Int) {
        self.count = count
        var timings = SimulatedTimings()
        for field in [\SimulatedTimings.change, \.look, \.etcdStart, \.apiServerStart, \.election, \.reconnect, \.healthCheck] {
            timings[keyPath: field] = .zero
        }
        substrate = SimulatedSubstrate(time: clock.source, timings: timings)
        store = MemoryStore(time: clock.source, historyLimit: 1)
    }

    func measure() throws -> SimulatedFleet.Measurement {
        let before = Self.residentBytes()
        let real = TimeSource.system
        let start = real.uptime
        try run { try await self.build() }
        let built = real.uptime - start
        // The first pass may still write something, such as a condition's time.
        try run { try await self.pass() }
        let revision = store.revision
        let second = real.uptime
        try run { try await self.pass() }
        let passed = real.uptime - second
        return SimulatedFleet.Measurement(
            clusters: count, passSeconds: passed.seconds, buildSeconds: built.seconds, residentBytesBefore: before,
            residentBytesAfter: Self.residentBytes(), writes: Int(store.revision - revision))
    }

    private func run(_ body: @escaping @Sendable () async throws -> Void) throws {
        let failure = Box()
        let end = SimulationExecutor().run(time: clock, limit: clock.now + .seconds(3600)) {
            do { try await body() } catch { failure.set(error) }
        }
        if let error = failure.value { throw error }
        if end != .finished { throw SubstrateError(.failed, "the pass did not end: \(end)") }
    }

    /// Makes every cluster as the planner wants it, and says so in the store.
    private func build() async throws {
        for slot in 0..<count {
            let name = try ClusterName("cluster-\(slot)")
            let spec = ControlPlaneSpec(
                release: ReleaseID(rawValue: "1.33.4-eks.1"), version: try KubernetesVersion("1.33.4"), zones: region.zones,
                network: try ClusterNetwork(pool: pool, slot: slot))
            var cluster = Cluster(
                name: name, cell: cell, metadata: Metadata(uid: "\(name)", createdAt: clock.source.now),
                spec: ClusterSpec(
                    controlPlane: spec,
                    settings: ClusterSettings(roleARN: "arn:aws:iam::000000000000:role/r", subnetIDs: [], creatorARN: "")))
            cluster.status.isBootstrapped = true
            cluster.status.certificateAuthority = try await SimulatedRendering().certificateAuthority(of: cluster)
            let intent = ControlPlaneIntent(cluster)
            var observation = observe(name)
            var plan = ControlPlanePlanner().plan(intent, observation)
            while !plan.actions.isEmpty {
                for action in plan.actions { try await carryOut(action, of: cluster) }
                observation = observe(name)
                plan = ControlPlanePlanner().plan(intent, observation)
            }
            cluster.status = ClusterStatusPlanner().status(
                cluster.status, intent, observation, plan, generation: cluster.metadata.generation, now: clock.source.now)
            try await store.create(cluster)
        }
    }

    private func observe(_ name: ClusterName) -> ControlPlaneObservation {
        let (seen, health) = substrate.trueState(of: name)
        return ControlPlaneObservation(substrate: seen, health: health, isBootstrapped: true)
    }

    private func carryOut(_ action: Action, of cluster: Cluster) async throws {
        switch action {
        case .ensureNetwork(let spec): try await substrate.ensureNetwork(spec)
        case .ensureVolume(let spec): try await substrate.ensureVolume(spec)
        case .startInstance(let intent):
            try await substrate.ensureInstance(try await SimulatedRendering().instance(intent, of: cluster))
        case .ensureLoadBalancer(let intent):
            try await substrate.ensureLoadBalancer(try await SimulatedRendering().loadBalancer(intent, of: cluster))
        default: throw SubstrateError(.failed, "not expected while making a cluster: \(action.title)")
        }
    }

    /// A new manager looks at every cluster once.
    private func pass() async throws {
        let probe = CountedProbe(substrate)
        let life = ManagerLife(name: "manager", time: clock.source)
        let service = CellService(
            configuration: CellConfiguration(cell: cell, addressPool: pool, concurrency: 64, resync: .seconds(3600)), store: store,
            substrate: substrate, probe: probe, rendering: SimulatedRendering(),
            operations: ManagedSubstrate(base: substrate, life: life), time: clock.source,
            logger: Logger(label: "simulation", factory: { _ in SwiftLogNoOpLogHandler() }), jitter: { 0.5 })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            // Virtual time goes on only when nobody has anything left to do.
            while probe.count < count { try await clock.source.sleep(for: .milliseconds(100)) }
            try await clock.source.sleep(for: .milliseconds(1))
            group.cancelAll()
            while let result = await group.nextResult() { _ = result }
        }
    }

    /// Linux: the second number of `/proc/self/statm`, in pages.
    private static func residentBytes() -> Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}

private final class CountedProbe: HealthProbe {
    private let base: SimulatedSubstrate
    private let answers = Mutex(0)

    init(_ base: SimulatedSubstrate) { self.base = base }

    var count: Int { answers.withLock { $0 } }

    func probe(_ target: ProbeTarget) async -> HealthObservation {
        answers.withLock { $0 += 1 }
        return await base.probe(target)
    }
}

private final class Box: Sendable {
    private let state = Mutex<(any Error)?>(nil)
    var value: (any Error)? { state.withLock { $0 } }
    func set(_ error: any Error) { state.withLock { $0 = error } }
}
