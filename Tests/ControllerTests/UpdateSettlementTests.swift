import FleetModel
import FleetStore
import Foundation
import Planning
import SlipwayClient
import Testing
import Timing

@testable import Fleet

/// What becomes of a cluster and of its update's record when something was decided.
@Suite struct UpdateSettlementTests {
    private let clock = VirtualTime()
    private let store: MemoryStore
    private let name: ClusterName
    private let cell = CellName(rawValue: "a")

    init() throws {
        store = MemoryStore(time: clock.source)
        name = try ClusterName("demo")
    }

    private var stored: Stored<Cluster> {
        get async throws { try #require(try await store.get(Cluster.self, StoreKeys.cluster(name, in: cell))) }
    }

    private var record: ClusterUpdate {
        get async throws {
            let key = StoreKeys.update("u", of: name, in: cell)
            return try #require(try await store.get(ClusterUpdate.self, key)).value
        }
    }

    private func settle(_ verdict: UpdateJudge.Verdict) async throws -> Bool {
        try await UpdateSettlement(store: store, policy: UpdatePolicy(), time: clock.source).settle(try await stored, verdict)
    }

    /// Asked for as the API does it.
    private func begin(_ change: (inout ControlPlaneSpec) -> Void) async throws {
        let spec = ControlPlaneSpec(
            release: ReleaseID(rawValue: "1.33.4-eks.1"), version: try KubernetesVersion("1.33.4"), zones: Region.standard().zones,
            network: ClusterNetwork(block: try IPv4Block("100.66.0.0/27")))
        var cluster = Cluster(
            name: name, cell: cell, metadata: Metadata(uid: "uid", createdAt: clock.source.now),
            spec: ClusterSpec(controlPlane: spec, settings: ClusterSettings(roleARN: "", subnetIDs: [], creatorARN: "")))
        cluster.status.phase = .active
        let update = ClusterUpdate(
            id: "u", cluster: name, cell: cell, status: .inProgress, type: "VersionUpdate", parameters: [:], createdAt: clock.source.now)
        var wanted = cluster.spec
        change(&wanted.controlPlane)
        try await store.create(cluster)
        try await store.replace(try await stored, with: cluster.updating(to: wanted, by: update), and: [try .put(update)])
    }

    @Test func aReleaseThatWasTakenForGoodIsTakenBackUnderTheSameRecord() async throws {
        try await begin {
            $0.release = ReleaseID(rawValue: "1.33.4-eks.2")
            $0.etcdRelease = $0.release
        }
        #expect(try await settle(.ended))
        #expect(try await record.status == .successful)
        var cluster = try await stored.value
        #expect(cluster.status.phase == .active && cluster.spec.update == nil)
        #expect(cluster.spec.proving?.until == clock.source.now.addingTimeInterval(900))
        let old = "1.33.4-eks.1"
        #expect(ClusterOverview(cluster, now: clock.source.now).releasesInUse.contains(old), "it may be gone back to")
        #expect(!ClusterOverview(cluster, now: clock.source.now.addingTimeInterval(901)).releasesInUse.contains(old))

        #expect(try await settle(.takeBack(reason: "it ends")))
        var again = try await record
        #expect(again.status == .inProgress && again.finishedAt == nil)
        cluster = try await stored.value
        #expect(cluster.status.phase == .updating && cluster.spec.update?.id == "u" && cluster.spec.proving == nil)
        #expect(cluster.spec.controlPlane.release.rawValue == "1.33.4-eks.1")

        #expect(try await settle(.ended))
        again = try await record
        #expect(again.status == .failed && again.errors.first?.errorMessage == "it ends" && again.finishedAt != nil)
        cluster = try await stored.value
        #expect(cluster.status.phase == .active && cluster.spec.update == nil && cluster.spec.proving == nil)
    }

    @Test func whatLeavesTheReleaseIsNotWatched() async throws {
        try await begin { $0.apiServerRevision += 1 }
        #expect(try await settle(.ended))
        #expect(try await stored.value.spec.proving == nil)
        // A decision that comes too late decides nothing.
        _ = try await settle(.takeBack(reason: "it ends"))
        #expect(try await record.status == .successful)
        #expect(try await stored.value.spec.update == nil)
    }

    @Test func anotherUpdateEndsTheWatch() async throws {
        try await begin { $0.release = ReleaseID(rawValue: "1.33.4-eks.2") }
        #expect(try await settle(.ended))
        let cluster = try await stored.value
        let next = ClusterUpdate(
            id: "v", cluster: name, cell: cell, status: .inProgress, type: "LoggingUpdate", parameters: [:], createdAt: clock.source.now)
        #expect(cluster.updating(to: cluster.spec, by: next).spec.proving == nil)
    }
}
