import Synchronization
import Timing

/// One leader at a time among the processes that campaign for a key, such as `cells/a/leader`.
///
/// The key is put with a lease, and its revision of creation fences: a leader writes through a `GuardedStore`, so that
/// one that was paused past its lease changes nothing. The watch of the key tells candidates at once when it is free.
public struct LeaderElection: Sendable {
    /// What happened, for logs and metrics.
    public enum Event: Sendable {
        /// Another holds the key; nil when it went away just now.
        case waiting(holder: String?)
        case leading(createRevision: Int64)
        /// The lease ran out, or could not be kept alive for as long as it lives.
        case lost(any Error)
        /// The body threw; the lock was given up and the next campaign begins after a pause.
        case bodyFailed(any Error)
        /// The store could not be asked; the next try follows after a pause.
        case storeFailed(any Error)
    }

    private let store: any FleetStore
    private let key: StoreKey
    private let time: TimeSource
    private let observe: @Sendable (Event) -> Void

    public init(store: any FleetStore, key: StoreKey, time: TimeSource, observe: @escaping @Sendable (Event) -> Void = { _ in }) {
        self.store = store
        self.key = key
        self.time = time
        self.observe = observe
    }

    /// Campaigns, runs `body` while leading, and campaigns again, until the task is cancelled. Then the lease is revoked
    /// at once, so that another need not wait for it to run out.
    ///
    /// `body` is cancelled when the lease is lost, and must end soon then: the next campaign waits for it.
    /// - Parameters:
    ///   - holder: names this process to operators; the key's value.
    ///   - timeToLive: of the lease, kept alive at a third of it. etcd takes whole seconds, 2 at least.
    public func run(
        as holder: String, timeToLive: Duration, body: @escaping @Sendable (GuardedStore) async throws -> Void
    ) async throws {
        while true {
            try Task.checkCancellation()
            do {
                let taken = try await acquire(as: holder, timeToLive: timeToLive)
                guard let taken else { continue }
                try await lead(taken, timeToLive: timeToLive, body: body)
            } catch let error as StoreError {
                observe(.storeFailed(error))
                try await time.sleep(for: min(timeToLive / 3, .seconds(1)))
            }
        }
    }

    private struct Lock: Sendable {
        var lease: StoreLease
        var createRevision: Int64
        /// Before the lease was asked for: it lives at least until `since + timeToLive`.
        var since: Duration
    }

    /// - Returns: nil when another has the key; it went away meanwhile, or may have.
    private func acquire(as holder: String, timeToLive: Duration) async throws -> Lock? {
        if let held = try await store.get(key) {
            observe(.waiting(holder: String(decoding: held.value, as: UTF8.self)))
            try await waitForDeletion(after: held.modRevision, atMost: timeToLive)
            return nil
        }
        let since = time.uptime
        let lease = try await store.grantLease(timeToLive: timeToLive)
        do {
            let revision = try await store.commit([.put(key, [UInt8](holder.utf8), lease: lease)], if: [.absent(key)])
            return Lock(lease: lease, createRevision: revision, since: since)
        } catch {
            // Also when the outcome is unknown: the key vanishes with the lease if it was put.
            await giveUp(lease)
            guard let error = error as? StoreError, error.code == .conflict else { throw error }
            observe(.waiting(holder: nil))
            return nil
        }
    }

    /// Looks again after `limit` in any case, so that no lost event can keep a candidate waiting for ever.
    private func waitForDeletion(after revision: Int64, atMost limit: Duration) async throws {
        let changes = store.watch(prefix: key, from: revision + 1)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for try await event in changes {
                    switch event {
                    case .delete(let deleted, _) where deleted == key: return
                    case .compacted: return
                    case .put, .delete: continue
                    }
                }
            }
            group.addTask { try await time.sleep(for: limit) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    // MARK: Leading

    private enum Outcome: Sendable {
        case ended
        case failed(any Error)
        case lost(any Error)
    }

    private func lead(_ lock: Lock, timeToLive: Duration, body: @escaping @Sendable (GuardedStore) async throws -> Void) async throws {
        observe(.leading(createRevision: lock.createRevision))
        let guarded = GuardedStore(store, leaderKey: key, createRevision: lock.createRevision)
        let alive = KeptAlive(until: lock.since + timeToLive)
        let outcome = await withTaskGroup(of: Outcome.self) { group in
            group.addTask {
                do {
                    try await body(guarded)
                    return .ended
                } catch {
                    return .failed(error)
                }
            }
            group.addTask { .lost(await renew(lock.lease, timeToLive: timeToLive, alive)) }
            group.addTask { .lost(await expiry(of: alive)) }
            defer { group.cancelAll() }
            return await group.next() ?? .ended
        }
        await giveUp(lock.lease)
        try Task.checkCancellation()
        switch outcome {
        case .ended: break
        case .lost(let error): observe(.lost(error))
        case .failed(let error):
            if let error = error as? StoreError, error.code == .leaseLost {
                observe(.lost(error))
            } else {
                observe(.bodyFailed(error))
                try await time.sleep(for: min(timeToLive / 3, .seconds(1)))
            }
        }
    }

    /// Keeps the lease alive at a third of its time, until it is gone or the task is cancelled.
    private func renew(_ lease: StoreLease, timeToLive: Duration, _ alive: KeptAlive) async -> any Error {
        while true {
            do {
                try await time.sleep(for: timeToLive / 3)
                let asked = time.uptime
                try await store.keepAlive(lease)
                alive.extend(to: asked + timeToLive)
            } catch let error as StoreError where error.code != .leaseLost {
                // It may still live; `expiry` says when to give up. The loop's own pause is before the next try.
                alive.note(error)
            } catch {
                return error
            }
        }
    }

    /// Returns when the lease may have run out, because it was not kept alive.
    private func expiry(of alive: KeptAlive) async -> any Error {
        while true {
            let (deadline, failure) = alive.state
            let left = deadline - time.uptime
            guard left > .zero else {
                return StoreError(.leaseLost, "The lease of '\(key)' was not kept alive in time.", cause: failure)
            }
            do { try await time.sleep(for: left) } catch { return error }
        }
    }

    /// Also when this task is cancelled: stores revoke nevertheless.
    private func giveUp(_ lease: StoreLease) async { try? await store.revoke(lease) }
}

/// Until when a lease lives at least, and why it could not be kept alive last.
private final class KeptAlive: Sendable {
    private let mutex: Mutex<(deadline: Duration, failure: (any Error)?)>

    init(until deadline: Duration) { mutex = Mutex((deadline, nil)) }

    var state: (deadline: Duration, failure: (any Error)?) { mutex.withLock { $0 } }

    func extend(to deadline: Duration) { mutex.withLock { $0 = (deadline, nil) } }

    func note(_ failure: any Error) { mutex.withLock { $0.failure = failure } }
}
