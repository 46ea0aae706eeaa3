import Controller
import FleetModel
import FleetStore
import Foundation
import Logging
import Planning
import ServiceLifecycle
import Substrate
import Timing

/// What a cell's controllers need to know.
public struct CellConfiguration: Sendable {
    public var cell: CellName
    public var addressPool: IPv4Block
    /// Clusters worked at the same time.
    public var concurrency: Int
    /// A settled cluster is looked at again after this time.
    public var resync: Duration
    /// An action that takes longer has failed and is tried again.
    public var actionTimeout: Duration
    /// Clusters that start for the first time at once; about as many as there are cores.
    public var bootLimit: Int
    /// Only tests that break the planner on purpose switch it off.
    public var checksInvariants: Bool

    public init(
        cell: CellName, addressPool: IPv4Block, concurrency: Int = 8, resync: Duration = .seconds(5),
        actionTimeout: Duration = .seconds(60), bootLimit: Int = 2,
        checksInvariants: Bool = true
    ) {
        self.cell = cell
        self.addressPool = addressPool
        self.concurrency = concurrency
        self.resync = resync
        self.actionTimeout = actionTimeout
        self.bootLimit = bootLimit
        self.checksInvariants = checksInvariants
    }
}

/// The controllers of one cell, over a store whose writes are guarded by leadership.
///
/// Run it inside `LeaderElection.run`: it knows nothing of leaders, and starts with nothing in memory.
public struct CellService: Service {
    private let configuration: CellConfiguration
    private let store: any FleetStore
    private let substrate: any Substrate
    private let probe: any HealthProbe
    private let rendering: any InstanceRendering
    private let operations: any ControlPlaneOperations
    private let access: (any AccessPublishing)?
    private let etcd: EtcdCare?
    private let board: ServiceStateBoard
    private let restores: (any ClusterRestoring)?
    private let backups: BackupService?
    private let encryption: SecretEncryption?
    private let insights: (any InsightLooking)?
    private let rotation: (any CredentialRotating)?
    private let plan: PlanFunction
    private let judge: UpdateJudge
    private let time: TimeSource
    private let logger: Logger
    private let jitter: @Sendable () -> Double

    /// - Parameters:
    ///   - access: publishes who may log in; nil where nobody does (simulation).
    ///   - etcd: how etcd is taken care of; nil where there is none (simulation).
    ///   - board: what is out of service; what changes there is acted on at once.
    ///   - restores: restores snapshots; nil where nothing is ever restored (simulation).
    ///   - backups: takes backups beside; nil where nobody does (simulation).
    ///   - encryption: encrypts clusters' secrets; nil where nobody does (simulation).
    ///   - insights: looks at clusters for their insights; nil where there is nothing to see (simulation).
    ///   - rotation: rotates clusters' credentials; nil where there are none (simulation).
    ///   - plan: the planner; another one only in tests.
    ///   - judge: of updates, with the planner's own policy.
    ///   - jitter: 0 to 1, for backoff.
    public init(
        configuration: CellConfiguration, store: any FleetStore, substrate: any Substrate, probe: any HealthProbe,
        rendering: any InstanceRendering, operations: any ControlPlaneOperations, access: (any AccessPublishing)? = nil,
        etcd: EtcdCare? = nil, board: ServiceStateBoard = ServiceStateBoard(),
        restores: (any ClusterRestoring)? = nil, backups: BackupService? = nil, encryption: SecretEncryption? = nil,
        insights: (any InsightLooking)? = nil, rotation: (any CredentialRotating)? = nil,
        plan: @escaping PlanFunction = { ControlPlanePlanner().plan($0, $1) }, judge: UpdateJudge = UpdateJudge(), time: TimeSource,
        logger: Logger,
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0...1) }
    ) {
        self.configuration = configuration
        self.store = store
        self.substrate = substrate
        self.probe = probe
        self.rendering = rendering
        self.operations = operations
        self.access = access
        self.etcd = etcd
        self.board = board
        self.restores = restores
        self.backups = backups
        self.encryption = encryption
        self.insights = insights
        self.rotation = rotation
        self.plan = plan
        self.judge = judge
        self.time = time
        self.logger = logger
        self.jitter = jitter
    }

    /// Until cancelled.
    public func run() async throws {
        let clusters = WorkQueue<ClusterName>(concurrency: configuration.concurrency, time: time)
        let trials = InstanceTrials(time: time)
        let reconciler = ClusterReconciler(
            cell: configuration.cell, store: store,
            observer: ClusterObserver(
                substrate: substrate, probe: probe, operations: operations, board: board, restores: restores, trials: trials,
                policy: judge.policy.update, time: time),
            executor: ClusterExecutor(
                substrate: substrate, rendering: rendering, operations: operations, restores: restores, trials: trials,
                time: time, actionTimeout: configuration.actionTimeout),
            plan: plan, judge: judge, checksInvariants: configuration.checksInvariants, addressPool: configuration.addressPool,
            gate: BootGate(limit: configuration.bootLimit, time: time), credentials: rotation,
            wake: { clusters.add($0) }, time: time, logger: logger)
        let controller = ControllerService(
            reconciler: reconciler, queue: clusters, resync: configuration.resync, time: time, logger: logger, jitter: jitter)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let changes = board.changes
            group.addTask { try await controller.run() }
            group.addTask {
                for await concerned in changes { for name in concerned.sorted() { clusters.add(name) } }
                // The stream ends with its reader only.
                try Task.checkCancellation()
            }
            var queues = [clusters]
            if let etcd {
                let service = careService(etcd)
                queues.append(service.queue)
                group.addTask { try await service.run() }
            }
            if let backups { group.addTask { try await backups.run() } }
            if let encryption {
                let service = encryptionService(encryption)
                queues.append(service.queue)
                group.addTask { try await service.run() }
                group.addTask { try await followKeys(service.queue) }
            }
            if rotation != nil {
                let service = renewalService()
                queues.append(service.queue)
                group.addTask { try await service.run() }
            }
            if let insights {
                let service = insightService(insights)
                queues.append(service.queue)
                group.addTask { try await service.run() }
                // Somebody asks for a look.
                group.addTask { [queue = service.queue] in
                    try await follow(StoreKeys.insights(in: configuration.cell)) { enqueue($0, [queue]) }
                }
            }
            if let access {
                let queue = WorkQueue<ClusterName>(concurrency: 4, time: time)
                let service = ControllerService(
                    reconciler: AccessReconciler(cell: configuration.cell, store: store, publishing: access), queue: queue,
                    resync: .seconds(3600), time: time, logger: logger, jitter: jitter)
                group.addTask { try await service.run() }
                queues.append(queue)
                for prefix in access.prefixes(in: configuration.cell) {
                    group.addTask { try await followAccess(prefix, queue) }
                }
            }
            group.addTask { [queues] in try await followClusters { enqueue($0, queues) } }
            try await group.next()
            group.cancelAll()
        }
    }

    private func careService(_ etcd: EtcdCare) -> ControllerService<EtcdCareReconciler> {
        let reconciler = EtcdCareReconciler(
            cell: configuration.cell, store: store, accessing: etcd.accessing, maintenance: etcd.maintenance, planner: etcd.planner,
            memory: EtcdCareMemory(), time: time, logger: logger)
        // Each look is mostly waiting; members that do not answer must not keep the others from being looked at.
        return ControllerService(
            reconciler: reconciler, queue: WorkQueue(concurrency: 64, time: time), resync: .seconds(5),
            backoff: Backoff(base: 1, cap: 8), time: time, logger: logger, jitter: jitter)
    }

    private func encryptionService(_ encryption: SecretEncryption) -> ControllerService<EncryptionReconciler> {
        let reconciler = EncryptionReconciler(
            cell: configuration.cell, store: store, keys: encryption.keys, storage: encryption.storage, time: time, logger: logger)
        return ControllerService(
            reconciler: reconciler, queue: WorkQueue(concurrency: 4, time: time), resync: .seconds(60), backoff: Backoff(base: 1, cap: 15),
            time: time, logger: logger, jitter: jitter)
    }

    /// A key that is rotated may concern any cluster.
    private func followKeys(_ queue: WorkQueue<ClusterName>) async throws {
        try await followForAll(StoreKeys.encryptionKeys, queue) { _ in false }
    }

    private func renewalService() -> ControllerService<RenewalReconciler> {
        let reconciler = RenewalReconciler(cell: configuration.cell, store: store, time: time, logger: logger)
        return ControllerService(
            reconciler: reconciler, queue: WorkQueue(concurrency: 2, time: time), resync: RenewalReconciler.interval,
            backoff: Backoff(base: 1, cap: 60), time: time, logger: logger, jitter: jitter)
    }

    private func insightService(_ looking: any InsightLooking) -> ControllerService<InsightsReconciler> {
        let reconciler = InsightsReconciler(cell: configuration.cell, store: store, looking: looking, time: time)
        return ControllerService(
            reconciler: reconciler, queue: WorkQueue(concurrency: 2, time: time), resync: .seconds(InsightsReconciler.interval),
            backoff: Backoff(base: 1, cap: 60), time: time, logger: logger, jitter: jitter)
    }

    /// What customers change of a cluster; not its status, which the controllers write themselves.
    private func followClusters(_ changed: @escaping @Sendable (StoreKey) -> Void) async throws {
        struct Wanted: Decodable { var metadata: Metadata }
        try await Informer(
            store: store, prefix: StoreKeys.clusters(in: configuration.cell), time: time, logger: logger,
            digest: { stored in
                guard let wanted = try? StoreCoding.decode(Wanted.self, from: stored.value).metadata else { return nil }
                return "\(wanted.uid) \(wanted.generation) \(wanted.deletionRequestedAt != nil)"
            }, changed: changed
        ).run()
    }

    private func follow(_ prefix: StoreKey, _ changed: @escaping @Sendable (StoreKey) -> Void) async throws {
        try await Informer(store: store, prefix: prefix, time: time, logger: logger, changed: changed).run()
    }

    private func enqueue(_ key: StoreKey, _ queues: [WorkQueue<ClusterName>]) {
        guard let text = key.rawValue.split(separator: "/").last, let name = try? ClusterName(String(text)) else { return }
        for queue in queues { queue.add(name) }
    }

    /// A change of an entry concerns its cluster; a change of a user or key may concern any.
    private func followAccess(_ prefix: StoreKey, _ queue: WorkQueue<ClusterName>) async throws {
        let entries = "cells/\(configuration.cell)/access-entries/"
        try await followForAll(prefix, queue) { key in
            guard key.rawValue.hasPrefix(entries) else { return false }
            let rest = key.rawValue.dropFirst(entries.count)
            if let name = rest.split(separator: "/").first.flatMap({ try? ClusterName(String($0)) }) { queue.add(name) }
            return true
        }
    }

    /// Has every cluster looked at when something under the prefix changes.
    /// - Parameter claim: answers true for a change that it has taken care of.
    private func followForAll(
        _ prefix: StoreKey, _ queue: WorkQueue<ClusterName>, claim: @escaping @Sendable (StoreKey) -> Bool
    ) async throws {
        let changed = Signalling()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await follow(prefix) { key in
                    if !claim(key) { changed.continuation.yield() }
                }
            }
            group.addTask {
                for await _ in changed.stream {
                    for value in try await store.list(prefix: StoreKeys.clusters(in: configuration.cell)).values {
                        enqueue(value.key, [queue])
                    }
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }
}

/// A channel of at most one waiting signal.
private struct Signalling {
    let stream: AsyncStream<Void>
    let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }
}
