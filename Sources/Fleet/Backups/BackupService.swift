import Backups
import Controller
import FleetModel
import FleetStore
import Foundation
import Logging
import ServiceLifecycle
import Substrate
import Timing

/// Takes and checks the backups of one cell's clusters, by schedule and on demand. Run it while leading the cell.
public struct BackupService: Service {
    private let settings: BackupSettings
    private let store: any FleetStore
    private let stores: BackupStores
    private let programs: EtcdPrograms
    private let credentials: CredentialStore
    private let probe: any HealthProbe
    private let board: ServiceStateBoard
    private let restores: SnapshotRestores
    private let time: TimeSource
    private let logger: Logger

    public init(
        settings: BackupSettings, store: any FleetStore, stores: BackupStores, programs: EtcdPrograms, credentials: CredentialStore,
        probe: any HealthProbe, board: ServiceStateBoard, restores: SnapshotRestores, time: TimeSource, logger: Logger
    ) {
        self.settings = settings
        self.store = store
        self.stores = stores
        self.programs = programs
        self.credentials = credentials
        self.probe = probe
        self.board = board
        self.restores = restores
        self.time = time
        self.logger = logger
    }

    /// Until cancelled.
    public func run() async throws {
        await sweep()
        await adopt()
        let work = WorkQueue<BackupID>(concurrency: settings.concurrency, time: time)
        let schedule = WorkQueue<ClusterName>(concurrency: 4, time: time)
        let taker = SnapshotTaker(
            stores: stores, programs: programs, credentials: credentials, probe: probe, board: board, scratch: settings.scratch, time: time)
        let jitter: @Sendable () -> Double = { Double.random(in: 0...1) }
        let worker = ControllerService(
            reconciler: BackupReconciler(
                settings: settings, store: store, stores: stores, programs: programs, taker: taker, time: time, logger: logger),
            queue: work, resync: .seconds(3600), backoff: Backoff(base: 2, cap: 300), time: time, logger: logger, jitter: jitter)
        let scheduler = ControllerService(
            reconciler: BackupScheduler(settings: settings, store: store, time: time, logger: logger, suffix: BackupID.randomSuffix),
            queue: schedule, resync: .seconds(600), time: time, logger: logger, jitter: jitter)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            group.addTask { try await scheduler.run() }
            group.addTask { try await followBackups(work, schedule) }
            group.addTask { try await followClusters(schedule) }
            group.addTask { try await followPolicy(schedule) }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Each change of a backup but its progress.
    private func followBackups(_ work: WorkQueue<BackupID>, _ schedule: WorkQueue<ClusterName>) async throws {
        try await Informer(
            store: store, prefix: StoreKeys.backups(in: settings.cell), time: time, logger: logger,
            digest: { stored in
                guard let backup = try? StoreCoding.decode(Backup.self, from: stored.value) else { return nil }
                return "\(backup.phase) \(backup.verification?.verdict.rawValue ?? "") \(backup.deletionRequestedAt != nil)"
            },
            changed: { key in
                guard let text = key.rawValue.split(separator: "/").last, let id = try? BackupID(String(text)) else { return }
                work.add(id)
                schedule.add(id.cluster, priority: .resync)
            }
        ).run()
    }

    private func followClusters(_ schedule: WorkQueue<ClusterName>) async throws {
        struct Seen: Decodable {
            struct Status: Decodable { var activeSince: Date? }
            var metadata: Metadata
            var status: Status
        }
        try await Informer(
            store: store, prefix: StoreKeys.clusters(in: settings.cell), time: time, logger: logger,
            digest: { stored in
                guard let seen = try? StoreCoding.decode(Seen.self, from: stored.value) else { return nil }
                return "\(seen.metadata.uid) \(seen.metadata.generation) \(seen.status.activeSince != nil)"
            },
            changed: { key in
                guard let text = key.rawValue.split(separator: "/").last, let name = try? ClusterName(String(text)) else { return }
                schedule.add(name, priority: .resync)
            }
        ).run()
    }

    /// Another policy concerns every cluster.
    private func followPolicy(_ schedule: WorkQueue<ClusterName>) async throws {
        let (signals, signal) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await Informer(store: store, prefix: StoreKeys.backupPolicy, time: time, logger: logger) { _ in signal.yield() }.run()
            }
            group.addTask {
                for await _ in signals {
                    for value in try await store.list(prefix: StoreKeys.clusters(in: settings.cell)).values {
                        guard let text = value.key.rawValue.split(separator: "/").last, let name = try? ClusterName(String(text)) else {
                            continue
                        }
                        schedule.add(name, priority: .resync)
                    }
                    await adopt()
                }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    /// Removes what a manager that was killed left behind.
    private func sweep() async {
        do {
            try await ScratchDirectory.remove(settings.scratch)
            let clusters = try await store.list(Cluster.self, prefix: StoreKeys.clusters(in: settings.cell)).items.map(\.value)
            try await restores.sweep(keeping: Set(clusters.compactMap { $0.spec.restore?.id }))
        } catch {
            logger.warning("what is left of interrupted backups could not be removed", metadata: ["error": "\(error)"])
        }
    }

    /// Makes known what is in the policy's store and the region does not know: it has lost its own store, say.
    private func adopt() async {
        do {
            let policy = try await store.backupPolicy(or: settings.defaultPolicy)
            let archive = try stores.archive(at: policy.location)
            let known = Set(try await store.list(prefix: StoreKeys.backups(in: settings.cell)).values.map(\.key))
            for id in try await archive.backups() where !known.contains(StoreKeys.backup(id, in: settings.cell)) {
                await adopt(id, archive, policy)
            }
        } catch {
            logger.warning("the backup store could not be looked through", metadata: ["error": "\(error)"])
        }
    }

    private func adopt(_ id: BackupID, _ archive: BackupArchive, _ policy: BackupPolicy) async {
        do {
            let manifest = try await archive.manifest(of: id)
            guard manifest.cell == settings.cell else { return }
            var backup = Backup(
                id: id, cell: manifest.cell, clusterUID: manifest.clusterUID, ownerARN: manifest.ownerARN,
                requestedAt: manifest.facts.takenAt, requestedBy: manifest.requestedBy, location: policy.location)
            backup.phase = .complete
            backup.facts = manifest.facts
            backup.spec = manifest.spec
            backup.finishedAt = manifest.facts.takenAt
            (backup.bytes, backup.expectedBytes) = (manifest.facts.size, manifest.facts.size)
            try await store.create(backup)
            logger.notice("a backup that was not known was found", metadata: ["backup": "\(id)"])
        } catch let error as StoreError where error.code == .conflict {
            // Known meanwhile.
        } catch {
            logger.warning("a backup in the store cannot be taken in", metadata: ["backup": "\(id)", "error": "\(error)"])
        }
    }
}

extension BackupID {
    /// Four letters and digits.
    public static func randomSuffix() -> String {
        let letters = Array("0123456789abcdefghijklmnopqrstuvwxyz")
        return String((0..<4).map { _ in letters[Int.random(in: 0..<letters.count)] })
    }
}
