import Synchronization
import Timing

/// A store in memory with etcd's behaviour: one revision for all keys, history for watches, leases that run out.
///
/// It has no thread of its own. Leases are ended at the start of every operation; somebody who moves a virtual clock calls
/// `expireLeases()` at `nextExpiry`, and somebody who lives in real time may run `run()`.
public final class MemoryStore: FleetStore {
    private struct Watcher {
        var prefix: StoreKey
        /// Changes before it were not asked for.
        var from: Int64
        var continuation: AsyncThrowingStream<WatchEvent, any Error>.Continuation
    }

    private struct State {
        var data: MemoryStoreState
        var watchers: [Int: Watcher] = [:]
        var nextWatcher = 0
        /// Wakes `run()` after a lease was granted.
        var wake: AsyncStream<Void>.Continuation?
    }

    private let state: Mutex<State>
    private let time: TimeSource

    /// - Parameter historyLimit: changes that are kept for watches at least; older ones are compacted away in time.
    public init(time: TimeSource = .system, historyLimit: Int = 100_000) {
        self.time = time
        self.state = Mutex(State(data: MemoryStoreState(historyLimit: max(1, historyLimit))))
    }

    /// The revision of the last change.
    public var revision: Int64 { state.withLock { $0.data.revision } }

    /// When the next lease runs out, in the time source's uptime, or nil when there is none.
    public var nextExpiry: Duration? { state.withLock { $0.data.nextExpiry } }

    /// Ends the leases that have run out; watches see their keys deleted.
    public func expireLeases() { state.withLock { refresh(&$0) } }

    /// Forgets what changed before `revision`, as etcd's compaction does: a watch from before it gets `.compacted`.
    /// - Throws: `StoreError` with code `failed` for a revision that is still to come.
    public func compact(to revision: Int64) throws {
        try state.withLock { state throws(StoreError) in
            guard revision <= state.data.revision else {
                throw StoreError(.failed, "Revision \(revision) is still to come; the present one is \(state.data.revision).")
            }
            state.data.compact(to: revision)
        }
    }

    /// Ends leases when they run out, until the task is cancelled. Only one at a time.
    public func run() async {
        while !Task.isCancelled {
            // A stream each time: to cancel its reader ends it.
            let (signals, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            state.withLock { state in
                state.wake = wake
                refresh(&state)
            }
            let pause = nextExpiry.map { $0 - time.uptime }
            await withTaskGroup { group in
                group.addTask { for await _ in signals { return } }
                if let pause { group.addTask { [time] in try? await time.sleep(for: pause) } }
                await group.next()
                group.cancelAll()
            }
        }
    }

    // MARK: FleetStore

    public func get(_ key: StoreKey) async throws -> StoredValue? {
        state.withLock { state in
            refresh(&state)
            return state.data.value(of: key)
        }
    }

    public func list(prefix: StoreKey) async throws -> StoreSnapshot {
        state.withLock { state in
            refresh(&state)
            return StoreSnapshot(values: state.data.values(under: prefix), revision: state.data.revision)
        }
    }

    @discardableResult
    public func commit(_ operations: [StoreOperation], if conditions: [StoreCondition]) async throws -> Int64 {
        try state.withLock { state throws(StoreError) in
            refresh(&state)
            Self.publish(try state.data.commit(operations, if: conditions), to: state.watchers)
            return state.data.revision
        }
    }

    public func watch(prefix: StoreKey, from revision: Int64) -> AsyncThrowingStream<WatchEvent, any Error> {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: WatchEvent.self)
        let compacted: Int64? = state.withLock { state in
            refresh(&state)
            let from = revision > 0 ? revision : state.data.revision + 1
            guard from >= state.data.compactedRevision else { return state.data.compactedRevision }
            let watcher = Watcher(prefix: prefix, from: from, continuation: continuation)
            let id = state.nextWatcher
            state.nextWatcher += 1
            state.watchers[id] = watcher
            continuation.onTermination = { [weak self] _ in
                // Only a consumer ends a stream that is in the table, so the lock is free here.
                self?.state.withLock { _ = $0.watchers.removeValue(forKey: id) }
            }
            Self.publish(state.data.changes(from: from), to: [id: watcher])
            return nil
        }
        if let compacted {
            continuation.yield(.compacted(revision: compacted))
            continuation.finish()
        }
        return stream
    }

    public func grantLease(timeToLive: Duration) async throws -> StoreLease {
        state.withLock { state in
            refresh(&state)
            let lease = state.data.grant(timeToLive: timeToLive, now: time.uptime)
            state.wake?.yield()
            return lease
        }
    }

    public func keepAlive(_ lease: StoreLease) async throws {
        try state.withLock { state throws(StoreError) in
            refresh(&state)
            try state.data.keepAlive(lease, now: time.uptime)
        }
    }

    public func revoke(_ lease: StoreLease) async throws {
        try state.withLock { state throws(StoreError) in
            refresh(&state)
            Self.publish(try state.data.revoke(lease), to: state.watchers)
        }
    }

    private func refresh(_ state: inout State) {
        Self.publish(state.data.expire(now: time.uptime), to: state.watchers)
    }

    /// Called with the lock held, so that all watchers see one order. A yield never calls back into the store.
    private static func publish(_ changes: some Sequence<MemoryStoreState.Change>, to watchers: [Int: Watcher]) {
        for change in changes {
            // In one order for all processes, so that a simulation can be replayed.
            for (_, watcher) in watchers.sorted(by: { $0.key < $1.key })
            where change.revision >= watcher.from && change.key.hasPrefix(watcher.prefix) {
                watcher.continuation.yield(change.event)
            }
        }
    }
}
