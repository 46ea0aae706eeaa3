import FleetStore
import Timing

extension StoreConformance {
    static var leaseCases: [Case] {
        [
            Case("a lease that runs out takes its keys along") { try await expiry($0) },
            Case("a lease that is kept alive stays") { try await keptAlive($0) },
            Case("a revoked lease is gone at once") { try await revoked($0) },
            Case("a key belongs to the lease of its last write") { try await rewritten($0) },
        ]
    }

    private static let short = Duration.seconds(2)

    private static func expiry(_ subject: Subject) async throws {
        let store = subject.store
        let lease = try await store.grantLease(timeToLive: short)
        let revision = try await store.commit([.put("l/a", [1], lease: lease), .put("l/b", [2], lease: lease), .put("l/c", [3])], if: [])
        let deletions = try await events(2, of: store.watch(prefix: "l/", from: revision + 1), subject.time)
        try checkEqual(deletions, ["delete l/a @\(revision + 1)", "delete l/b @\(revision + 1)"], "events of the expiry")
        try checkEqual(try await store.list(prefix: "l/").values.map(\.key), ["l/c"], "keys after the expiry")
        try await checkThrows(.leaseLost, "keep-alive of a lost lease") { try await store.keepAlive(lease) }
        try await checkThrows(.leaseLost, "write with a lost lease") { try await store.commit([.put("l/d", [], lease: lease)], if: []) }
        try check(try await store.get("l/d") == nil, "a key of a lost lease is there")
    }

    private static func keptAlive(_ subject: Subject) async throws {
        let (store, time) = (subject.store, subject.time)
        let lease = try await store.grantLease(timeToLive: short)
        let revision = try await store.commit([.put("k", [1], lease: lease)], if: [])
        let end = time.uptime + short * 2.5
        while time.uptime < end {
            try await time.sleep(for: short / 5)
            try await store.keepAlive(lease)
        }
        try checkEqual(try await store.get("k")?.modRevision, revision, "revision of a key that was kept alive")
        try await store.revoke(lease)
    }

    private static func revoked(_ subject: Subject) async throws {
        let store = subject.store
        let lease = try await store.grantLease(timeToLive: .seconds(600))
        let revision = try await store.commit([.put("v", [1], lease: lease)], if: [])
        let watch = store.watch(prefix: "v", from: revision + 1)
        try await store.revoke(lease)
        try check(try await store.get("v") == nil, "a key of a revoked lease is there")
        try checkEqual(try await events(1, of: watch, subject.time), ["delete v @\(revision + 1)"], "events")
        try await checkThrows(.leaseLost, "second revocation") { try await store.revoke(lease) }
        try await checkThrows(.leaseLost, "keep-alive") { try await store.keepAlive(lease) }
    }

    private static func rewritten(_ subject: Subject) async throws {
        let store = subject.store
        let first = try await store.grantLease(timeToLive: .seconds(600))
        let second = try await store.grantLease(timeToLive: .seconds(600))
        try await store.commit([.put("a", [1], lease: first), .put("b", [1], lease: first), .put("c", [1], lease: first)], if: [])
        try await store.commit([.put("a", [2], lease: second), .put("b", [2])], if: [])
        try await store.revoke(first)
        try checkEqual(try await store.list(prefix: "").values.map(\.key), ["a", "b"], "keys after the first lease")
        try await store.revoke(second)
        try checkEqual(try await store.list(prefix: "").values.map(\.key), ["b"], "keys after the second lease")
    }
}
