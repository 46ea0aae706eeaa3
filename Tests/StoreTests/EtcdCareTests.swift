import AsyncHTTPClient
import EtcdClient
import FleetModel
import FleetStore
import Foundation
import Logging
import Planning
import SlipwayTesting
import Testing
import Timing

@testable import Fleet

/// A real etcd of three in care: what goes wrong with it is seen, said, and cured where that is safe.
@Suite struct EtcdCareTests {
    /// Of one cluster in a store in memory, whose etcd is the fixture's.
    private struct Care {
        let store = MemoryStore(time: .system)
        let cluster: Cluster
        let reconciler: EtcdCareReconciler

        init(_ etcd: EtcdFixture) async throws {
            let name = try ClusterName("demo")
            let cell = CellName(rawValue: "cell-1")
            var cluster = Cluster(
                name: name, cell: cell, metadata: Metadata(uid: "uid", createdAt: TimeSource.system.now),
                spec: ClusterSpec(
                    controlPlane: ControlPlaneSpec(
                        release: ReleaseID(rawValue: "r"), version: try KubernetesVersion("1.33"), zones: Region.standard().zones,
                        network: try ClusterNetwork(pool: try IPv4Block("100.66.0.0/16"), slot: 0)),
                    settings: ClusterSettings(roleARN: "", subnetIDs: [], creatorARN: "")))
            cluster.status.activeSince = cluster.metadata.createdAt
            self.cluster = cluster
            try await store.commit([try .put(cluster)], if: [])
            reconciler = EtcdCareReconciler(
                cell: cell, store: store, accessing: etcd, maintenance: EtcdMaintenance(http: .shared, time: .system),
                planner: EtcdCarePlanner(), memory: EtcdCareMemory(), time: .system, logger: Logger(label: "test"))
        }

        /// Looks and acts until the status is as wanted.
        func until(_ what: String, _ isReached: (ClusterStatus) -> Bool) async throws {
            let deadline = TimeSource.system.uptime + .seconds(60)
            while true {
                _ = try await reconciler.reconcile(cluster.name)
                let status = try #require(try await store.get(Cluster.self, cluster.storeKey)).value.status
                if isReached(status) { return }
                try #require(TimeSource.system.uptime < deadline, "gave up waiting for: \(what); \(status.conditions)")
                try await TimeSource.system.sleep(for: .milliseconds(100))
            }
        }
    }

    private static func holds(_ kind: Condition.Kind, _ value: Condition.Status, in status: ClusterStatus) -> Bool {
        status.conditions.contains { $0.kind == kind && $0.status == value }
    }

    @Test(arguments: EtcdFixture.versions)
    func aFullDatabaseTakesWritesAgainAndABadDiskIsFound(version: String) async throws {
        try await EtcdFixture.with(version: version, members: 3, options: ["--quota-backend-bytes=8388608"]) { etcd in
            let care = try await Care(etcd)
            let marker = Array("a value that a disk will change".utf8)
            try await EtcdClient.with(etcd.configuration) { client in
                _ = try await client.transaction(if: [], then: [.put([0], marker)])
                await #expect(throws: EtcdError.self) {
                    for _ in 0..<40 { _ = try await client.transaction(if: [], then: [.put([1], [UInt8](repeating: 1, count: 700_000))]) }
                }
            }
            try await care.until("the alarm is seen") { $0.etcd?.alarms.contains { $0.kind == .noSpace } == true }
            try await care.until("the alarm is cured") { status in
                Self.holds(.etcdHealthy, .yes, in: status) && status.etcd?.alarms.isEmpty == true
            }
            let status = try #require(try await care.store.get(Cluster.self, care.cluster.storeKey)).value.status
            let steps = status.steps.map(\.title)
            #expect(steps.first?.hasPrefix("compact etcd") == true && steps.last == "end etcd's alarm NOSPACE", "\(steps)")
            #expect(steps.count { $0.hasPrefix("defragment") } == 3, "\(steps)")
            #expect(status.etcd?.members.allSatisfy { $0.databaseBytes < 4 << 20 } == true)
            try await EtcdClient.with(etcd.configuration) { client in
                _ = try await client.transaction(if: [], then: [.put([2], [2])])
            }
            try await badDisk(etcd, care, marker)
        }
    }

    private func badDisk(_ etcd: EtcdFixture, _ care: Care, _ marker: [UInt8]) async throws {
        try await care.until("the members are compared") { Self.holds(.etcdConsistent, .yes, in: $0) }
        #expect(try etcd.corrupt(1, value: marker, into: marker.reversed()) > 0)
        // As if the next comparison were due.
        _ = try await care.store.update(Cluster.self, care.cluster.storeKey) { current in
            var new = current
            new.status.etcd?.hashCheck = nil
            return new
        }
        try await care.until("the bad disk is found") { $0.etcd?.corruptMembers == ["test-1"] }
        try await care.until("it is said") { Self.holds(.etcdConsistent, .no, in: $0) }
    }
}

extension EtcdFixture: EtcdConnecting {
    public func access(to cluster: Cluster) async throws -> EtcdConnections {
        EtcdConnections(
            members: (0..<3).map { index in
                let client = configuration(of: index)
                return EtcdConnections.Member(name: "test-\(index)", client: client, pages: "http://\(client.endpoints[0])")
            }, tls: nil)
    }
}
