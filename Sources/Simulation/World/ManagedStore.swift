import FleetStore
import SimulatedSubstrate
import Synchronization
import Timing

/// How often the store's calls go wrong, each 0 to 1.
struct StoreFaults: Sendable {
    var errorBefore = 0.0
    /// The change was made, and the caller is told that the store does not answer.
    var lostReply = 0.0
    /// A watch breaks at an event.
    var brokenWatch = 0.0

    static let none = StoreFaults()
}

/// The store's faults, common to all managers; each takes its turn at the same dice.
final class StoreWeather: Sendable {
    private let state: Mutex<(faults: StoreFaults, random: SeededRandom)>

    init(random: SeededRandom) { state = Mutex((.none, random)) }

    func set(_ faults: StoreFaults) { state.withLock { $0.faults = faults } }

    enum Outcome { case fine, errorBefore, lostReply }

    func call() -> (Outcome, Duration) {
        state.withLock { state in
            let pause = state.random.duration(.microseconds(300), .milliseconds(3))
            if state.random.chance(state.faults.errorBefore) { return (.errorBefore, pause) }
            return (state.random.chance(state.faults.lostReply) ? .lostReply : .fine, pause)
        }
    }

    func breaksWatch() -> Bool { state.withLock { $0.faults.brokenWatch > 0 && $0.random.chance($0.faults.brokenWatch) } }
}

/// The store as one manager reaches it: calls take time, fail, and lose their replies.
struct ManagedStore: FleetStore {
    let base: any FleetStore
    let life: ManagerLife
    let weather: StoreWeather
    let time: TimeSource

    private func call<T>(isWrite: Bool = false, _ body: () async throws -> T) async throws -> T {
        try await life.enter()
        let (outcome, pause) = weather.call()
        try await time.sleep(for: pause)
        if outcome == .errorBefore || (outcome == .lostReply && !isWrite) { throw StoreError(.unavailable, "the store does not answer") }
        try life.check()
        let result = try await body()
        try await life.waitForResume()
        try life.check()
        if outcome == .lostReply { throw StoreError(.unavailable, "the store's reply was lost") }
        return result
    }

    func get(_ key: StoreKey) async throws -> StoredValue? { try await call { try await base.get(key) } }
    func list(prefix: StoreKey) async throws -> StoreSnapshot { try await call { try await base.list(prefix: prefix) } }

    func commit(_ operations: [StoreOperation], if conditions: [StoreCondition]) async throws -> Int64 {
        try await call(isWrite: true) { try await base.commit(operations, if: conditions) }
    }

    func watch(prefix: StoreKey, from revision: Int64) -> AsyncThrowingStream<WatchEvent, any Error> {
        let events = WatchIterator(base.watch(prefix: prefix, from: revision))
        return AsyncThrowingStream {
            let event = try await events.next()
            try await life.waitForResume()
            try life.check()
            if event != nil, weather.breaksWatch() { throw StoreError(.unavailable, "the watch broke") }
            return event
        }
    }

    func grantLease(timeToLive: Duration) async throws -> StoreLease {
        try await call(isWrite: true) { try await base.grantLease(timeToLive: timeToLive) }
    }

    func keepAlive(_ lease: StoreLease) async throws { try await call(isWrite: true) { try await base.keepAlive(lease) } }

    /// Also of a cancelled task, as the contract says; but not of a dead manager.
    func revoke(_ lease: StoreLease) async throws {
        try life.check()
        try await base.revoke(lease)
    }
}

/// One reader's place in a watch.
private final class WatchIterator: @unchecked Sendable {
    // Only the one consumer of the stream that `watch` returns calls `next`, one call at a time.
    private var iterator: AsyncThrowingStream<WatchEvent, any Error>.Iterator

    init(_ stream: AsyncThrowingStream<WatchEvent, any Error>) { iterator = stream.makeAsyncIterator() }

    func next() async throws -> WatchEvent? { try await iterator.next() }
}
