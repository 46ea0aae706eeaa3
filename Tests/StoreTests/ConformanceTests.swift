import EtcdClient
import EtcdStore
import FleetStore
import Logging
import SlipwayTesting
import Testing
import Timing

@Suite struct ConformanceTests {
    @Test(arguments: StoreConformance.cases) func memory(_ conformance: StoreConformance.Case) async throws {
        let store = MemoryStore()
        let subject = StoreConformance.Subject(store: store) { try store.compact(to: $0) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await store.run() }
            try await conformance.run(subject)
            group.cancelAll()
        }
    }

    /// One etcd for all cases of a version, one after the other, each under a region of its own: to compact is global.
    @Test(arguments: EtcdFixture.versions) func etcd(_ version: String) async throws {
        try await EtcdFixture.with(version: version) { etcd in
            try await EtcdClient.with(etcd.configuration) { client in
                for (index, conformance) in StoreConformance.cases.enumerated() {
                    try await etcd.withStore(region: "conformance-\(index)") { store in
                        let subject = StoreConformance.Subject(store: store) { try await client.compact(to: $0) }
                        do {
                            try await conformance.run(subject)
                        } catch {
                            Issue.record(error, "\(conformance) on etcd \(version)")
                        }
                    }
                }
            }
        }
    }
}

extension EtcdFixture {
    /// A store for the time of `body`.
    @discardableResult
    func withStore<Result: Sendable>(
        region: String = "test-1", time: TimeSource = .system, _ body: @escaping @Sendable (EtcdStore) async throws -> Result
    ) async throws -> Result {
        let store = try EtcdStore(configuration, region: region, time: time, logger: Logger(label: "test"))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await store.run() }
            defer { group.cancelAll() }
            return try await body(store)
        }
    }
}
