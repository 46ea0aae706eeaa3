import FleetModel
import FleetStore
import Foundation
import Logging
import Planning
import ServiceLifecycle
import Substrate
import Synchronization
import Timing

/// How a cell looks after zones.
public struct ZoneServiceConfiguration: Sendable {
    public var region: Region
    public var cell: CellName
    /// Between two looks. The policy's times assume this one.
    public var interval: Duration
    public var policy: ZoneHealthPolicy

    public init(region: Region, cell: CellName, interval: Duration = .milliseconds(250), policy: ZoneHealthPolicy = ZoneHealthPolicy()) {
        self.region = region
        self.cell = cell
        self.interval = interval
        self.policy = policy
    }
}

/// Looks at zones several times a second, says what is out of service, and takes a zone out when the policy is to do so.
///
/// Run it beside `CellService`, inside `LeaderElection.run`, and `fill` before: the controllers must not lift in their first
/// step what the last leader put up.
public final class ZoneService: Service {
    let configuration: ZoneServiceConfiguration
    let store: any FleetStore
    let probe: any ZoneProbing
    let board: ServiceStateBoard
    let time: TimeSource
    let logger: Logger
    let zones: StoreMirror<Zone>
    let policies: StoreMirror<RegionPolicy>
    let clusters: StoreMirror<Cluster>
    let witnesses: Witnesses
    /// There is something to be written.
    let signals = Signals()
    let state = Mutex(State())

    /// What the looks, the writer and the store's watches share.
    struct State {
        /// Decided, and not in the store yet.
        var evacuating: (zone: ZoneName, reason: String)?
        var restoring: (zone: ZoneName, reason: String)?
        /// What people are asked for, by zone.
        var questions: [ZoneName: String] = [:]
        var findings: [ZoneName: ZoneFinding] = [:]
        var isolated: [ClusterName: Set<String>] = [:]
        var sampling: ProbeSampling?
        /// Zones that the last leader found impaired: they count as such until there was time to find them so anew.
        var doubted: (zones: Set<ZoneName>, until: Duration)?
        /// As the store has it.
        var stored: [ClusterName: Set<String>] = [:]
    }

    /// - Parameter backends: asks the load balancers; nil where there are none to be asked.
    public init(
        configuration: ZoneServiceConfiguration, store: any FleetStore, probe: any ZoneProbing, backends: (any BackendChecking)?,
        board: ServiceStateBoard, time: TimeSource, logger: Logger
    ) {
        self.configuration = configuration
        self.store = store
        self.probe = probe
        self.board = board
        self.time = time
        self.logger = logger
        witnesses = Witnesses(probe: probe, backends: backends, time: time)
        let signals = signals
        func mirror<Value: StoredResource>(_ type: Value.Type, _ prefix: StoreKey) -> StoreMirror<Value> {
            StoreMirror(store: store, prefix: prefix, time: time, logger: logger) { signals.changed.yield() }
        }
        zones = mirror(Zone.self, StoreKeys.zones)
        policies = mirror(RegionPolicy.self, StoreKeys.regionPolicy)
        clusters = mirror(Cluster.self, StoreKeys.clusters(in: configuration.cell))
    }

    /// As long as it takes to find a grey zone.
    private static let doubt = Duration.seconds(15)

    /// Makes the region's zones and policy where there are none, and fills the board with what is stored.
    /// - Throws: `StoreError`.
    public func fill() async throws {
        _ = try await store.zones(of: configuration.region, now: time.now)
        _ = try await store.regionPolicy(now: time.now)
        try await zones.load()
        try await policies.load()
        try await clusters.load()
        let stored = try await store.get(CellIsolation.self, CellIsolation.key(configuration.cell))?.value.byCluster ?? [:]
        state.withLock { state in
            state.isolated = stored
            state.stored = stored
            state.sampling = nil
            state.doubted = (
                Set(zones.values.map(\.value).filter(\.status.health.isImpaired).map(\.name)), time.uptime + Self.doubt
            )
        }
        publish()
    }

    /// Until cancelled.
    public func run() async throws {
        do {
            try await runUntilCancelled()
        } catch {
            // Ends the connections.
            _ = await probe.look(at: [])
            throw error
        }
    }

    private func runUntilCancelled() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.zones.run() }
            group.addTask { try await self.policies.run() }
            group.addTask { try await self.clusters.run() }
            group.addTask { await self.witnesses.run() }
            group.addTask { await self.follow() }
            group.addTask { await self.write() }
            group.addTask { try await self.look() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// What was written to the store is heeded at once, whoever wrote it.
    private func follow() async {
        for await _ in signals.changes {
            state.withLock { $0.sampling = nil }
            publish()
            signals.write.yield()
        }
    }

    var policy: RegionPolicy { policies.values.first?.value ?? RegionPolicy(changedAt: time.now) }

    /// Puts on the board what is out of service now.
    func publish() {
        let (evacuating, isolated, findings, doubted) = state.withLock {
            ($0.evacuating, $0.isolated, $0.findings, $0.doubted?.zones ?? [])
        }
        let out = zones.values.map(\.value).filter(\.isEvacuated)
        var names = Set(out.map(\.name))
        if let evacuating { names.insert(evacuating.zone) }
        // What an operator took out is out for everybody.
        let isAutomatic = out.allSatisfy(\.spec.isAutomatic)
        let exempt =
            names.isEmpty || !isAutomatic ? [] : clusters.values.map(\.value).filter { !$0.spec.settings.zonalShiftEnabled }.map(\.name)
        // Other cells may have found what this one has not.
        let impaired = zones.values.map(\.value).filter { zone in
            zone.status.health.isImpaired || findings[zone.name]?.health.isImpaired == true || doubted.contains(zone.name)
        }
        board.set(
            evacuated: names, isolated: policy.evacuation == .off ? [:] : isolated, exempt: Set(exempt),
            impaired: Set(impaired.map(\.name)))
    }
}

/// Channels of at most one waiting signal each.
struct Signals: Sendable {
    let changes: AsyncStream<Void>
    let changed: AsyncStream<Void>.Continuation
    let writes: AsyncStream<Void>
    let write: AsyncStream<Void>.Continuation

    init() {
        (changes, changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (writes, write) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }
}
