import EtcdClient
import EtcdStore
import FleetStore
import SlipwayTesting
import Testing
import Timing

/// Three members: what the store's users notice when one of them dies.
@Suite struct EtcdQuorumTests {
    @Test func leaderDiesAndTheStoreGoesOn() async throws {
        try await EtcdFixture.with(members: 3) { etcd in
            try await etcd.withStore { store in
                let seen = Shared<[Int64]>([])
                let stream = store.watch(prefix: "q/", from: try await store.list(prefix: "").revision + 1)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for try await case .put(let value) in stream { seen.withLock { $0.append(value.modRevision) } }
                    }
                    var written: [Int64] = []
                    for index in 0..<60 {
                        if index == 20 { etcd.kill(try await leader(of: etcd)) }
                        written.append(try await write(StoreKey(rawValue: "q/\(index)"), to: store))
                    }
                    let all = written
                    try await waitUntil("the watch told of everything") { seen.withLock { $0.count >= all.count } }
                    #expect(seen.withLock { $0 } == all)
                    group.cancelAll()
                }
            }
        }
    }

    /// Retries as a controller does, for as long as an election may take. Conditional, so that a write whose outcome was
    /// unknown is not done twice.
    private func write(_ key: StoreKey, to store: EtcdStore) async throws -> Int64 {
        let deadline = TimeSource.system.uptime + .seconds(30)
        while true {
            do {
                return try await store.commit([.put(key, [])], if: [.absent(key)])
            } catch let error as StoreError where error.code == .unavailable && TimeSource.system.uptime < deadline {
                try await TimeSource.system.sleep(for: .milliseconds(50))
            } catch let error as StoreError where error.code == .conflict {
                if let value = try await store.get(key) { return value.modRevision }
            }
        }
    }

    @Test func leadershipMovesAndMembersAgree() async throws {
        try await EtcdFixture.with(members: 3) { etcd in
            try await EtcdClient.with(etcd.configuration) { client in
                for index in 0..<10 { _ = try await client.transaction(if: [], then: [.put([UInt8(index)], [1])]) }
                #expect(try await client.memberList().map(\.name).sorted() == ["test-0", "test-1", "test-2"])
            }
            let old = try await leader(of: etcd)
            let next = (old + 1) % 3
            let target = try await EtcdClient.with(etcd.configuration(of: next)) { try await $0.status().member }
            try await EtcdClient.with(etcd.configuration(of: old)) { try await $0.moveLeader(to: target) }
            try await waitUntil("the new leader leads") { try await leader(of: etcd) == next }

            // A member that was away catches up to the same content.
            etcd.kill(old)
            let revision = try await EtcdClient.with(etcd.configuration(of: next)) { client in
                try await client.transaction(if: [], then: [.put([99], [1])]).revision
            }
            try await etcd.start(old)
            var hashes: Set<EtcdHash> = []
            for member in 0..<3 {
                try await waitUntil("member \(member) has caught up") {
                    try await EtcdClient.with(etcd.configuration(of: member)) { try await $0.status().revision >= revision }
                }
                hashes.insert(try await EtcdClient.with(etcd.configuration(of: member)) { try await $0.hash(upTo: revision) })
            }
            #expect(hashes.count == 1)
        }
    }

    /// The index of the member that leads.
    private func leader(of etcd: EtcdFixture) async throws -> Int {
        for member in 0..<3 {
            let status = try? await EtcdClient.with(etcd.configuration(of: member)) { try await $0.status() }
            if let status, status.leader == status.member { return member }
        }
        throw EtcdFixture.Failure(description: "no member leads")
    }
}
