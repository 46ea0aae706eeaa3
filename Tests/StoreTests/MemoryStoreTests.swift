import FleetStore
import Testing
import Timing

/// What only the memory store has: virtual time and a history of its own.
@Suite struct MemoryStoreTests {
    private let clock = VirtualTime()

    @Test func leasesEndOnAVirtualClock() async throws {
        let store = MemoryStore(time: clock.source)
        let short = try await store.grantLease(timeToLive: .seconds(5))
        let long = try await store.grantLease(timeToLive: .seconds(9))
        let revision = try await store.commit([.put("long", [], lease: long), .put("short", [], lease: short)], if: [])
        var events = store.watch(prefix: "", from: revision + 1).makeAsyncIterator()
        #expect(store.nextExpiry == .seconds(5))
        clock.advance(to: .milliseconds(4_999))
        store.expireLeases()
        #expect(store.revision == revision)
        clock.advance(to: .seconds(9))
        store.expireLeases()
        #expect(store.nextExpiry == nil)
        guard case .delete("short", revision + 1) = try await events.next() else { throw Unexpected() }
        guard case .delete("long", revision + 2) = try await events.next() else { throw Unexpected() }
    }

    @Test func runEndsLeasesOnItsOwn() async throws {
        let store = MemoryStore(time: clock.source)
        let runner = Task { await store.run() }
        defer { runner.cancel() }
        let long = try await store.grantLease(timeToLive: .seconds(100))
        let short = try await store.grantLease(timeToLive: .seconds(5))
        let revision = try await store.commit([.put("long", [], lease: long), .put("short", [], lease: short)], if: [])
        try await waitUntil("the runner sleeps until the earlier lease ends") { clock.nextDeadline == .seconds(5) }
        clock.advance(to: .seconds(5))
        // No operation: only the runner can have ended it.
        try await waitUntil("the short lease ended") { store.revision == revision + 1 }
    }

    @Test func historyIsBounded() async throws {
        let store = MemoryStore(time: clock.source, historyLimit: 10)
        for index in 0..<100 { try await store.commit([.put("x", [UInt8(index)])], if: []) }
        var old = store.watch(prefix: "", from: 2).makeAsyncIterator()
        guard case .compacted(let revision) = try await old.next() else { throw Unexpected() }
        #expect(try await old.next() == nil)
        #expect(revision <= store.revision - 9)
        var kept = store.watch(prefix: "", from: store.revision - 9).makeAsyncIterator()
        guard case .put(let value) = try await kept.next() else { throw Unexpected() }
        #expect(value.value == [90])
    }

    @Test func revisionToComeCannotBeCompacted() async throws {
        let store = MemoryStore(time: clock.source)
        #expect(throws: StoreError.self) { try store.compact(to: 2) }
    }

    private struct Unexpected: Error {}
}
