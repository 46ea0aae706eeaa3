import Foundation
import HeapModule
import Synchronization

/// Time that moves only when it is told to; sleepers wake in the order of their deadlines.
public final class VirtualTime: Sendable {
    private struct Sleeper: Comparable {
        var deadline: Duration
        var id: UInt64
        static func < (a: Self, b: Self) -> Bool { (a.deadline, a.id) < (b.deadline, b.id) }
    }

    private struct State {
        var now: Duration = .zero
        var nextID: UInt64 = 0
        var queue = Heap<Sleeper>()
        var continuations: [UInt64: CheckedContinuation<Void, any Error>] = [:]
    }

    private let state = Mutex(State())
    private let epoch: Date

    /// - Parameter epoch: the wall time at the start.
    public init(epoch: Date = Date(timeIntervalSince1970: 1_767_225_600)) { self.epoch = epoch }

    public var source: TimeSource {
        TimeSource(
            wall: { self.epoch.addingTimeInterval(self.now.seconds) },
            monotonic: { self.now },
            sleep: { try await self.sleep(for: $0) })
    }

    /// Since the start.
    public var now: Duration { state.withLock { $0.now } }

    /// How many tasks sleep.
    public var sleeperCount: Int { state.withLock { $0.continuations.count } }

    /// The deadline of the first sleeper to wake, or nil when nobody sleeps.
    public var nextDeadline: Duration? {
        state.withLock { state in
            Self.dropCancelled(&state)
            return state.queue.min?.deadline
        }
    }

    /// Moves time forward to `deadline` and wakes everybody who is due, in order.
    public func advance(to deadline: Duration) {
        let due = state.withLock { state -> [CheckedContinuation<Void, any Error>] in
            state.now = max(state.now, deadline)
            var woken: [CheckedContinuation<Void, any Error>] = []
            while let first = state.queue.min, first.deadline <= state.now {
                state.queue.removeMin()
                if let continuation = state.continuations.removeValue(forKey: first.id) { woken.append(continuation) }
            }
            return woken
        }
        for continuation in due { continuation.resume() }
    }

    private static func dropCancelled(_ state: inout State) {
        while let first = state.queue.min, state.continuations[first.id] == nil { state.queue.removeMin() }
    }

    private func sleep(for duration: Duration) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let ended: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if duration <= .zero { return .success(()) }
                    state.continuations[id] = continuation
                    state.queue.insert(Sleeper(deadline: state.now + duration, id: id))
                    return nil
                }
                if let ended { continuation.resume(with: ended) }
            }
        } onCancel: {
            state.withLock { $0.continuations.removeValue(forKey: id) }?.resume(throwing: CancellationError())
        }
    }
}
