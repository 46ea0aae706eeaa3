import FleetStore
import Simulation
import SlipwayTesting
import Synchronization
import Testing
import Timing

/// On a virtual clock, so that a lease of 15 s takes no time.
@Suite struct LeaderElectionTests {
    private let clock = VirtualTime()
    private let store: MemoryStore
    private let key: StoreKey = "cells/a/leader"

    init() { store = MemoryStore(time: clock.source) }

    /// Moves the clock from sleeper to sleeper until `condition` holds.
    private func advance(until condition: () -> Bool) async throws {
        let deadline = TimeSource.system.uptime + .seconds(30)
        while !condition() {
            try #require(TimeSource.system.uptime < deadline, "not within 30 s of real time")
            // Real time for the tasks to come to their next sleep.
            try await TimeSource.system.sleep(for: .milliseconds(1))
            if let next = clock.nextDeadline { clock.advance(to: next) }
        }
    }

    @Test func candidateFollowsWhenTheLeaderStopsKeepingItsLeaseAlive() async throws {
        let log = Shared<[String]>([])
        let broken = InterruptedStore(store)
        // On one thread, so that virtual time waits for everybody.
        let end = SimulationExecutor().run(time: clock, limit: .seconds(10_000), maximumJobs: 1_000_000) { [clock, store, key] in
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    try? await LeaderElection(store: broken, key: key, time: clock.source).run(as: "first", timeToLive: .seconds(15)) {
                        guarded in
                        log.withLock { $0.append("first leads at \(Int(clock.now.seconds))") }
                        do {
                            while true { try await clock.source.sleep(for: .seconds(1)) }
                        } catch {
                            log.withLock { $0.append("first ends after \(broken.interruptedFor(clock.now)) s") }
                            await #expect(throws: StoreError.self) { try await guarded.commit([.put("x", [])], if: []) }
                            throw error
                        }
                    }
                }
                // Many times the lease's time: it was kept alive.
                try? await clock.source.sleep(for: .seconds(100))
                #expect(log.withLock { $0 } == ["first leads at 0"])
                group.addTask {
                    try? await LeaderElection(store: store, key: key, time: clock.source).run(as: "second", timeToLive: .seconds(15)) {
                        guarded in
                        try await guarded.commit([.put("x", [2])], if: [.absent("x")])
                        log.withLock { $0.append("second leads") }
                        while true { try await clock.source.sleep(for: .seconds(1)) }
                    }
                }
                try? await clock.source.sleep(for: .seconds(50))
                #expect(log.withLock { $0.count } == 1)
                broken.interrupt(at: clock.now)
                try? await clock.source.sleep(for: .seconds(60))
                group.cancelAll()
            }
        }
        #expect(end == .finished)
        let lines = log.withLock { $0 }
        #expect(lines.count == 3 && lines.contains("second leads"))
        let ended = try #require(lines.first { $0.hasPrefix("first ends after") }?.split(separator: " ")[3])
        // Not before the lease could have been renewed once more, and not after it may have run out.
        #expect((5...15).contains(try #require(Int(ended))))
    }

    @Test func bodyThatThrowsIsRunAgain() async throws {
        struct Broken: Error {}
        let rounds = Shared<[Int64]>([])
        let events = Shared<[String]>([])
        let election = LeaderElection(store: store, key: key, time: clock.source) { event in
            if case .bodyFailed(let error) = event { events.withLock { $0.append("\(error)") } }
        }
        let task = Task {
            try await election.run(as: "one", timeToLive: .seconds(15)) { guarded in
                rounds.withLock { $0.append(guarded.createRevision) }
                throw Broken()
            }
        }
        try await advance { rounds.withLock { $0.count == 3 } }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        let revisions = rounds.withLock { $0 }
        #expect(revisions == revisions.sorted() && Set(revisions).count == revisions.count)
        #expect(events.withLock { $0.first } == "Broken()")
        #expect(try await store.get(key) == nil)
    }

    @Test func deposedLeaderDoesNotRetryForEver() async throws {
        let guarded = GuardedStore(store, leaderKey: key, createRevision: 1)
        let error = await #expect(throws: StoreError.self) { try await guarded.commit([.put("x", [])], if: [.absent("x")]) }
        #expect(error?.code == .leaseLost)
    }
}

/// A store that a process cannot reach any more from some moment on.
private final class InterruptedStore: FleetStore {
    private let store: MemoryStore
    private let since = Mutex<Duration?>(nil)

    init(_ store: MemoryStore) { self.store = store }

    func interrupt(at time: Duration) { since.withLock { $0 = time } }

    func interruptedFor(_ now: Duration) -> Int { since.withLock { $0.map { Int((now - $0).seconds) } ?? -1 } }

    private func check() throws {
        if since.withLock({ $0 != nil }) { throw StoreError(.unavailable, "unplugged") }
    }

    func get(_ key: StoreKey) async throws -> StoredValue? {
        try check()
        return try await store.get(key)
    }

    func list(prefix: StoreKey) async throws -> StoreSnapshot {
        try check()
        return try await store.list(prefix: prefix)
    }

    func commit(_ operations: [StoreOperation], if conditions: [StoreCondition]) async throws -> Int64 {
        try check()
        return try await store.commit(operations, if: conditions)
    }

    func watch(prefix: StoreKey, from revision: Int64) -> AsyncThrowingStream<WatchEvent, any Error> {
        store.watch(prefix: prefix, from: revision)
    }

    func grantLease(timeToLive: Duration) async throws -> StoreLease {
        try check()
        return try await store.grantLease(timeToLive: timeToLive)
    }

    func keepAlive(_ lease: StoreLease) async throws {
        try check()
        try await store.keepAlive(lease)
    }

    func revoke(_ lease: StoreLease) async throws {
        try check()
        try await store.revoke(lease)
    }
}
