import Synchronization
import Timing

/// Keys to work on, for one consumer that hands them to workers. See `WorkQueueMachine` for the rules.
public final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    private let machine: Mutex<WorkQueueMachine<Key>>
    private let changed = Signal()
    private let time: TimeSource

    /// - Parameter concurrency: how many keys are worked at once.
    public init(concurrency: Int, time: TimeSource) {
        self.machine = Mutex(WorkQueueMachine(concurrency: concurrency))
        self.time = time
    }

    /// Keys that are due and wait for their turn.
    public var depth: Int { machine.withLock { $0.depth(now: time.uptime) } }

    public func add(_ key: Key, after delay: Duration = .zero, priority: WorkPriority = .user) {
        machine.withLock { $0.add(key, due: time.uptime + delay, priority: priority) }
        changed.raise()
    }

    /// The next key, as soon as one is due and a worker is free. Call from one task only.
    /// - Throws: `CancellationError`.
    func next() async throws -> Key {
        while true {
            try Task.checkCancellation()
            switch machine.withLock({ $0.next(now: time.uptime) }) {
            case .work(let key): return key
            case .sleep(let until): try await changed.wait(until: until, time: time)
            }
        }
    }

    func finish(_ key: Key, failed: Bool, again delay: Duration?, priority: WorkPriority) {
        machine.withLock {
            $0.finish(key, failed: failed, again: delay.map { (time.uptime + $0, priority) })
        }
        changed.raise()
    }

    func failures(of key: Key) -> Int { machine.withLock { $0.failures(of: key) } }
}

/// Wakes one waiting task; a signal raised while nobody waits is kept.
final class Signal: Sendable {
    private struct State {
        var isRaised = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func raise() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            let waiter = state.waiter
            state.waiter = nil
            if waiter == nil { state.isRaised = true }
            return waiter
        }
        waiter?.resume()
    }

    /// Returns when raised or at the deadline, whichever is first.
    func wait(until deadline: Duration?, time: TimeSource) async throws {
        guard let deadline else { return await wait() }
        let delay = deadline - time.uptime
        guard delay > .zero else { return }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask { try await time.sleep(for: delay) }
            try await group.next()
            group.cancelAll()
            // The loser ends by cancellation, which is no error here.
            while let result = await group.nextResult() { _ = result }
        }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isOver = state.withLock { state in
                    if state.isRaised || Task.isCancelled {
                        state.isRaised = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { state -> CheckedContinuation<Void, Never>? in
                let waiter = state.waiter
                state.waiter = nil
                return waiter
            }?.resume()
        }
    }
}
