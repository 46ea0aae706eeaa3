import FleetStore
import Timing

extension StoreConformance {
    static var electionCases: [Case] {
        [
            Case("a paused old leader cannot write") { try await fencing($0) },
            Case("one leader at a time, and the next one at once") { try await succession($0) },
        ]
    }

    private static let key: StoreKey = "cells/a/leader"

    private static func fencing(_ subject: Subject) async throws {
        let store = subject.store
        let lease = try await store.grantLease(timeToLive: .seconds(2))
        let first = try await store.commit([.put(key, .init(text: "old"), lease: lease)], if: [.absent(key)])
        let old = GuardedStore(store, leaderKey: key, createRevision: first)
        let written = try await old.commit([.put("x", .init(text: "old"))], if: [.absent("x")])
        try await checkThrows(.conflict, "a condition of a leader's own") { try await old.commit([.put("x", [])], if: [.absent("x")]) }
        // The old leader stops here and does not know of anything that follows.
        try await eventually("the lease runs out", subject.time) { try await store.get(key) == nil }
        try await checkThrows(.leaseLost, "a write without a leader") { try await old.commit([.put("x", [])], if: []) }
        let second = try await store.commit([.put(key, .init(text: "new"))], if: [.absent(key)])
        let new = GuardedStore(store, leaderKey: key, createRevision: second)
        try await checkThrows(.leaseLost, "a write of the old leader") {
            try await old.commit([.put("x", .init(text: "old again"))], if: [.unchanged("x", modRevision: written)])
        }
        try await new.commit([.put("x", .init(text: "new"))], if: [.unchanged("x", modRevision: written)])
        try checkEqual(try await store.get("x")?.value, .init(text: "new"), "value after a change of leader")
    }

    private static func succession(_ subject: Subject) async throws {
        let (store, time) = (subject.store, subject.time)
        let leaders = Shared<[String]>([])
        let election = LeaderElection(store: store, key: key, time: time)
        let candidates = ["one", "two", "three"].map { name in
            Task {
                try await election.run(as: name, timeToLive: .seconds(60)) { guarded in
                    leaders.withLock { $0.append(name) }
                    defer { leaders.withLock { $0.removeAll { $0 == name } } }
                    while true {
                        try await guarded.commit([.put("led", .init(text: name))], if: [])
                        try await time.sleep(for: .milliseconds(10))
                    }
                }
            }
        }
        defer { for candidate in candidates { candidate.cancel() } }
        // The lease lives for a minute: only a revocation lets the next one lead within the 30 s waited here.
        for round in 0..<3 {
            try await eventually("leader \(round + 1)", time) { leaders.withLock { $0.count == 1 } }
            guard let name = leaders.withLock({ $0.first }), let index = ["one", "two", "three"].firstIndex(of: name) else {
                throw Failure(description: "the leader went away")
            }
            try checkEqual(try await store.get(key).map { String(decoding: $0.value, as: UTF8.self) }, name, "holder of the key")
            candidates[index].cancel()
            _ = await candidates[index].result
            try check(leaders.withLock { !$0.contains(name) }, "\(name) leads after its end")
        }
        try check(try await store.get(key) == nil, "the key outlives the last candidate")
    }
}
