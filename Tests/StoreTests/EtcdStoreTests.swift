import EtcdClient
import EtcdStore
import FleetStore
import Logging
import SlipwayTesting
import Testing
import Timing

/// What only a real etcd can do to a store: die, come back, fill up, refuse.
@Suite struct EtcdStoreTests {
    @Test func watchGoesOnAfterEtcdWasKilled() async throws {
        try await EtcdFixture.with { etcd in
            try await etcd.withStore { store in
                let start = try await store.list(prefix: "").revision + 1
                let events = store.watch(prefix: "k/", from: start)
                let seen = Shared<[String]>([])
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for try await case .put(let value) in events {
                            seen.withLock { $0.append("\(value.key) \(value.modRevision)") }
                        }
                    }
                    var written: [String] = []
                    for round in 0..<3 {
                        for index in 0..<20 {
                            let key = StoreKey(rawValue: "k/\(round)-\(index)")
                            let revision = try await store.commit([.put(key, [])], if: [])
                            written.append("\(key) \(revision)")
                            // In the middle of a round, when the watch may or may not have told of the last ones.
                            if round < 2, index == 10 {
                                etcd.kill()
                                try await etcd.start()
                            }
                        }
                    }
                    let wanted = written
                    try await waitUntil("all events came") { seen.withLock { $0.count >= wanted.count } }
                    #expect(seen.withLock { $0 } == wanted)
                    group.cancelAll()
                }
            }
        }
    }

    @Test func storeIsGoneThenBack() async throws {
        try await EtcdFixture.with { etcd in
            try await etcd.withStore { store in
                let revision = try await store.commit([.put("x", [1])], if: [])
                etcd.kill()
                let error = await #expect(throws: StoreError.self) {
                    try await store.commit([.put("x", [2])], if: [.unchanged("x", modRevision: revision)])
                }
                #expect(error?.code == .unavailable)
                let other = await #expect(throws: StoreError.self) { try await store.get("x") }
                #expect(other?.code == .unavailable)
                try await etcd.start()
                #expect(try await store.get("x")?.value == [1])
                try await store.commit([.put("x", [3])], if: [.unchanged("x", modRevision: revision)])
                #expect(try await store.list(prefix: "").values.map(\.value) == [[3]])
            }
        }
    }

    @Test func fullStoreSaysSo() async throws {
        try await EtcdFixture.with(options: ["--quota-backend-bytes", "4000000"]) { etcd in
            try await etcd.withStore { store in
                let error = await #expect(throws: StoreError.self) {
                    for index in 0..<100 {
                        try await store.commit([.put(StoreKey(rawValue: "full/\(index)"), [UInt8](repeating: 1, count: 500_000))], if: [])
                    }
                }
                #expect(error?.code == .noSpace)
                let first = try await store.get("full/0")
                #expect(first != nil)
            }
            try await EtcdClient.with(etcd.configuration) { client in
                #expect(try await client.alarms().map(\.kind) == [.noSpace])
                let revision = try await client.status().revision
                _ = try await client.transaction(if: [], then: [.delete(.prefix([]))])
                try await client.compact(to: revision + 1)
                try await client.defragment()
                try await client.disarmNoSpace()
                #expect(try await client.alarms().isEmpty)
            }
            try await etcd.withStore { try await $0.commit([.put("x", [])], if: []) }
        }
    }

    @Test func regionsAreApart() async throws {
        try await EtcdFixture.with { etcd in
            try await etcd.withStore(region: "a-1") { try await $0.commit([.put("x", [1])], if: []) }
            try await etcd.withStore(region: "a-10") { store in
                #expect(try await store.list(prefix: "").values.isEmpty)
                try await store.commit([.put("x", [2])], if: [.absent("x")])
            }
            try await EtcdClient.with(etcd.configuration) { client in
                let keys = try await client.list(.prefix([])).values.map { String(decoding: $0.key, as: UTF8.self) }
                #expect(keys == ["/slipway/a-1/x", "/slipway/a-10/x"])
            }
        }
    }

    @Test func closedStoreEndsItsWatches() async throws {
        try await EtcdFixture.with { etcd in
            let (store, watch) = try await etcd.withStore { store in
                let watch = store.watch(prefix: "", from: 0)
                _ = try await store.list(prefix: "")
                return (store, watch)
            }
            for stream in [watch, store.watch(prefix: "", from: 0)] {
                let error = await #expect(throws: StoreError.self) { for try await _ in stream {} }
                #expect(error?.code == .unavailable)
            }
        }
    }
}

/// Polls until `condition` holds, for 30 s at most.
func waitUntil(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = TimeSource.system.uptime + .seconds(30)
    while try await !condition() {
        try #require(TimeSource.system.uptime < deadline, "\(what): not within 30 s")
        try await TimeSource.system.sleep(for: .milliseconds(20))
    }
}
