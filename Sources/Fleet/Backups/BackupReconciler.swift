import Backups
import Controller
import FleetModel
import FleetStore
import Foundation
import Logging
import Metrics
import Synchronization
import Timing

/// Brings one backup nearer to what is wanted of it: taken, checked, or gone.
///
/// What a manager was in the middle of when it died is begun again: a backup without its manifest is none.
final class BackupReconciler: Reconciler {
    let kind = "backup"
    private let settings: BackupSettings
    private let store: any FleetStore
    private let stores: BackupStores
    private let programs: EtcdPrograms
    private let taker: SnapshotTaker
    private let time: TimeSource
    private let logger: Logger
    /// Members that failed at a backup, by its ID.
    private let avoided = Mutex<[BackupID: Set<String>]>([:])

    init(
        settings: BackupSettings, store: any FleetStore, stores: BackupStores, programs: EtcdPrograms, taker: SnapshotTaker,
        time: TimeSource, logger: Logger
    ) {
        self.settings = settings
        self.store = store
        self.stores = stores
        self.programs = programs
        self.taker = taker
        self.time = time
        self.logger = logger
    }

    func reconcile(_ id: BackupID) async throws -> Outcome {
        guard let backup = try await store.get(Backup.self, StoreKeys.backup(id, in: settings.cell))?.value else { return .absent }
        if backup.deletionRequestedAt != nil {
            try await remove(backup)
            return .absent
        }
        switch backup.phase {
        case .pending, .running: return try await take(backup)
        case .complete where backup.verification?.isOpen == true: try await verify(backup)
        case .complete, .failed: break
        }
        return .settled
    }

    private func remove(_ backup: Backup) async throws {
        try await stores.archive(at: backup.location).delete(backup.id)
        if let stored = try await store.get(Backup.self, backup.storeKey) { try await store.remove(stored) }
        logger.info("backup removed", metadata: ["backup": "\(backup.id)"])
    }

    // MARK: Taking

    private func take(_ backup: Backup) async throws -> Outcome {
        guard let cluster = try await store.get(Cluster.self, StoreKeys.cluster(backup.id.cluster, in: settings.cell))?.value,
            cluster.metadata.uid == backup.clusterUID, cluster.metadata.deletionRequestedAt == nil
        else {
            try await end(backup, .failed, error: "the cluster is gone")
            return .settled
        }
        let started = time.now
        try await change(backup) { new in
            new.phase = .running
            // As it is now, and not as it was when the backup was asked for: secrets may be sealed with another key since.
            new.spec = cluster.spec
            new.attempts += 1
            new.startedAt = started
            (new.bytes, new.expectedBytes) = (0, 0)
        }
        do {
            let progress = ProgressWriter(store: store, key: backup.storeKey, time: time)
            let facts = try await taker.take(backup, of: cluster, avoiding: avoided.withLock { $0[backup.id] ?? [] }) {
                await progress.write($0, $1)
            }
            try await end(backup, .complete, facts: facts)
            record("complete", since: started)
            logger.info(
                "backup taken",
                metadata: [
                    "backup": "\(backup.id)", "member": "\(facts.member)", "revision": "\(facts.revision)", "bytes": "\(facts.size)",
                    "seconds": "\(time.now.timeIntervalSince(started))",
                ])
            return .settled
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            if let error = error as? TakerError { avoided.withLock { _ = $0[backup.id, default: []].insert(error.member) } }
            let attempt = backup.attempts + 1
            let isOver = attempt >= settings.attempts
            logger.error("backup failed", metadata: ["backup": "\(backup.id)", "attempt": "\(attempt)", "error": "\(error)"])
            try await end(backup, isOver ? .failed : .pending, error: "\(error)")
            if isOver { record("failed", since: started) }
            return isOver ? .settled : .waiting("the next attempt", recheck: .seconds(2 << attempt))
        }
    }

    private func end(_ backup: Backup, _ phase: Backup.Phase, facts: BackupFacts? = nil, error: String? = nil) async throws {
        let now = time.now
        try await change(backup) { new in
            new.phase = phase
            new.error = error
            new.facts = facts
            if let facts { (new.bytes, new.expectedBytes) = (facts.size, facts.size) }
            new.finishedAt = phase == .pending ? nil : now
        }
        if phase != .pending { avoided.withLock { $0[backup.id] = nil } }
    }

    // MARK: Checking

    private func verify(_ backup: Backup) async throws {
        guard let wanted = backup.verification else { return }
        try await change(backup) { $0.verification?.verdict = .running }
        var verdict = BackupVerification(verdict: .good, requestedAt: wanted.requestedAt, message: "")
        do {
            let archive = try stores.archive(at: backup.location)
            let facts = try await BackupVerifier(archive: archive, programs: programs, scratch: settings.scratch, time: time)
                .verify(backup.id)
            verdict.message =
                "restored into an etcd of its own: revision \(facts.revision), \(facts.keyCount) keys and their hash are those of the cluster"
        } catch is CancellationError {
            throw CancellationError()
        } catch let error as BackupError where error.code == .damaged {
            verdict.verdict = .damaged
            verdict.message = "\(error)"
            logger.error("a backup is damaged", metadata: ["backup": "\(backup.id)", "error": "\(error)"])
        } catch {
            verdict.verdict = .unknown
            verdict.message = "could not be checked: \(error)"
        }
        verdict.finishedAt = time.now
        let ended = verdict
        try await change(backup) { $0.verification = ended }
        Counter(label: "slipway_backup_verifications_total", dimensions: [("verdict", ended.verdict.rawValue)]).increment()
    }

    private func change(_ backup: Backup, _ change: (inout Backup) -> Void) async throws {
        _ = try await store.update(Backup.self, backup.storeKey) { current in
            var new = current
            change(&new)
            return new
        }
    }

    private func record(_ outcome: String, since start: Date) {
        Counter(label: "slipway_backups_total", dimensions: [("outcome", outcome)]).increment()
        Timer(label: "slipway_backup_seconds", dimensions: [("outcome", outcome)]).recordSeconds(time.now.timeIntervalSince(start))
    }
}

/// Writes how far a backup is, a few times a second at most.
private actor ProgressWriter {
    let store: any FleetStore
    let key: StoreKey
    let time: TimeSource
    private var last: Duration?

    init(store: any FleetStore, key: StoreKey, time: TimeSource) {
        self.store = store
        self.key = key
        self.time = time
    }

    func write(_ bytes: Int64, _ expected: Int64) async {
        if let last, time.uptime - last < .milliseconds(400) { return }
        last = time.uptime
        // News only: that it cannot be written just now does not hold the backup up.
        _ = try? await store.update(Backup.self, key) { current in
            var new = current
            (new.bytes, new.expectedBytes) = (bytes, max(bytes, expected))
            return new
        }
    }
}
