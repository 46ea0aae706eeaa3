import Controller
import FleetModel
import FleetStore
import Foundation
import Logging
import PKI
import Planning
import Substrate
import Testing
import Timing

@testable import Fleet

/// The phases of a rotation over a store in memory, with real credentials.
@Suite struct RotationTests {
    /// Real credentials of a cluster that has no API.
    private struct Rotating: CredentialRotating {
        var credentials: CredentialStore

        func makeNext(of cluster: Cluster, _ rotation: RotationIntent) async throws -> CredentialChange {
            try await credentials.renewal(of: cluster, from: rotation.present, rotation.parts)
        }
        func retire(of cluster: Cluster, _ rotation: RotationIntent) async throws -> CredentialChange {
            try await credentials.retirement(of: cluster, keeping: rotation.next ?? 0)
        }
    }

    private let clock = VirtualTime()
    private let store: MemoryStore
    private let box = SecretBox(current: .random())
    private let name: ClusterName
    private let cell = CellName(rawValue: "a")

    init() throws {
        store = MemoryStore(time: clock.source)
        name = try ClusterName("demo")
    }

    private func keeper() -> CredentialStore { CredentialStore(store: store, box: box, time: clock.source) }

    private func makeCluster() async throws {
        let spec = ControlPlaneSpec(
            release: ReleaseID(rawValue: "1.33.4-eks.1"), version: try KubernetesVersion("1.33.4"), zones: Region.standard().zones,
            network: ClusterNetwork(block: try IPv4Block("100.66.0.0/27")))
        var cluster = Cluster(
            name: name, cell: cell, metadata: Metadata(uid: "uid", createdAt: clock.source.now),
            spec: ClusterSpec(controlPlane: spec, settings: ClusterSettings(roleARN: "", subnetIDs: [], creatorARN: "")))
        cluster.status.activeSince = clock.source.now
        cluster.status.phase = .active
        try await store.create(cluster)
    }

    private func stored() async throws -> Stored<Cluster> {
        try #require(try await store.get(Cluster.self, StoreKeys.cluster(name, in: cell)))
    }

    /// As the API does it.
    private func begin(_ id: String, _ change: (inout ClusterSpec) -> Void) async throws {
        let stored = try await stored()
        let update = ClusterUpdate(
            id: id, cluster: name, cell: cell, status: .inProgress, type: ClusterUpdate.rotationType, parameters: [:],
            createdAt: clock.source.now)
        var spec = stored.value.spec
        change(&spec)
        spec.rotation?.updateID = id
        try await store.replace(stored, with: stored.value.updating(to: spec, by: update), and: [try .put(update)])
    }

    /// Everything runs as wanted. Nothing is remembered from step to step, as after a kill.
    private func settle(_ verdict: UpdateJudge.Verdict = .ended) async throws {
        let settlement = UpdateSettlement(
            store: store, credentials: Rotating(credentials: keeper()), policy: UpdatePolicy(), time: clock.source)
        _ = try await settlement.settle(try await stored(), verdict)
    }

    private func update(_ id: String) async throws -> ClusterUpdate {
        let key = StoreKeys.update(id, of: name, in: cell)
        return try #require(try await store.get(ClusterUpdate.self, key)).value
    }

    /// - Returns: the phases that the update goes through.
    private func run(_ id: String) async throws -> [RotationPhase] {
        var phases: [RotationPhase] = []
        while let rotation = try await stored().value.spec.rotation, try await stored().value.spec.update != nil {
            if phases.last != rotation.phase { phases.append(rotation.phase) }
            _ = try await keeper().credentials(of: try await stored().value)
            try await settle()
        }
        if let last = try await stored().value.spec.rotation?.phase, last != phases.last { phases.append(last) }
        return phases
    }

    @Test func aRotationAndItsCompletionAreTwoUpdates() async throws {
        try await makeCluster()
        let old = try await keeper().credentials(of: try await stored().value)
        // Another service, which was there all the time and remembers.
        let other = keeper()
        #expect(try await other.credentials(of: try await stored().value) == old)

        try await begin("u") { $0.rotation = RotationIntent(parts: RotationIntent.Part.allCases, present: 1) }
        #expect(try await run("u") == [.requested, .trusted, .issued])
        let ended = try await update("u")
        #expect(ended.status == .successful && ended.finishedAt != nil)
        var cluster = try await stored().value
        #expect(cluster.status.phase == .active && cluster.spec.rotation?.updateID == nil)
        var now = try await other.credentials(of: cluster)
        #expect(now.generation == 2 && now.clusterAuthority != old.clusterAuthority && now.outwardAuthority == old.clusterAuthority)
        #expect(now.clusterTrust == old.clusterAuthority.certificatePEM + now.clusterAuthority.certificatePEM)

        try await begin("v") { $0.rotation?.goal = .settled }
        #expect(try await run("v") == [.issued, .served, .retiring, .settled])
        #expect(try await update("v").status == .successful)
        cluster = try await stored().value
        now = try await other.credentials(of: cluster)
        #expect(now.clusterTrust == now.clusterAuthority.certificatePEM && now.outwardAuthority == now.clusterAuthority)
        // Nothing of the old is kept.
        let kept = try #require(try await store.get(StoredCredentials.self, StoreKeys.credentials(of: name, in: cell))).value
        let plain = try box.open(kept.sealed, associatedData: "credentials/demo/uid")
        #expect(try StoreCoding.decode(ClusterCredentials.self, from: [UInt8](plain)).generations.map(\.number) == [2])

        // And once more.
        try await begin("w") { $0.rotation = RotationIntent(parts: [.authorities], present: 2) }
        #expect(try await run("w") == [.requested, .trusted, .issued])
        #expect(try await other.credentials(of: try await stored().value).generation == 3)
    }

    @Test func oneThatGoesBackStandsWhereEverybodyTrustsEverybody() async throws {
        try await makeCluster()
        let first = try await stored().value.spec
        let bad = UpdateJudge.Verdict.goBack(reason: "bad", errorCode: "Unknown")
        try await begin("u") { $0.rotation = RotationIntent(parts: [.authorities], present: 1) }
        try await settle()
        #expect(try await stored().value.spec.rotation?.phase == .trusted)
        try await settle(bad)
        #expect(try await stored().value.spec.credentialUse == CredentialUse(issuing: 1))
        try await settle()
        let failed = try await update("u")
        #expect(failed.status == .failed && failed.errors.first?.errorMessage == "bad")
        #expect(try await stored().value.spec == first)

        // The next one brings another generation than that which nobody may use any more.
        try await begin("v") { $0.rotation = RotationIntent(parts: [.authorities], present: 1) }
        try await settle()
        try await settle()
        #expect(try await stored().value.spec.rotation?.phase == .issued)
        #expect(try await stored().value.spec.credentialUse == CredentialUse(issuing: 3, outward: 1, trusted: [1, 3]))
        try await settle(bad)
        try await settle()
        let standing = try #require(try await stored().value.spec.rotation)
        #expect(standing.phase == .trusted && standing.next == 3 && standing.updateID == nil)
        #expect(try await update("v").status == .failed)

        // An update of another kind leaves it where it stands; asked for again, it goes on.
        try await begin("x") { $0.controlPlane.renewEverything() }
        _ = try await store.update(Cluster.self, StoreKeys.cluster(name, in: cell)) { cluster in
            var new = cluster
            new.spec.rotation?.updateID = nil
            return new
        }
        try await settle()
        #expect(try await stored().value.spec.rotation?.phase == .trusted)
        try await begin("y") { _ in }
        #expect(try await run("y") == [.trusted, .issued])
    }

    /// Somebody who goes by a spec of before must not be given other keys for it.
    @Test func credentialsThatAreGoneAreNotReplacedByOthers() async throws {
        try await makeCluster()
        let before = try await stored().value
        _ = try await keeper().credentials(of: before)
        try await begin("u") { $0.rotation = RotationIntent(parts: [.authorities], present: 1) }
        _ = try await run("u")
        try await begin("v") { $0.rotation?.goal = .settled }
        _ = try await run("v")
        await #expect(throws: FleetError.self) { try await keeper().credentials(of: before) }
    }

    // MARK: Renewal

    private func look() async throws -> Outcome {
        try await RenewalReconciler(
            cell: cell, store: store, time: clock.source, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        ).reconcile(name)
    }

    private func expire(in days: Double) async throws {
        let now = clock.source.now
        _ = try await store.update(Cluster.self, StoreKeys.cluster(name, in: cell)) { cluster in
            var new = cluster
            new.status.conditions = [Condition(kind: .progressing, status: .no, reason: "AsWanted", message: "", since: now)]
            new.status.instances = [
                InstanceSummary(
                    name: "api-1", role: .apiServer, zone: nil, address: new.spec.controlPlane.network.apiServers[0], release: nil,
                    state: "ready", isLeader: false, certificatesExpireAt: now.addingTimeInterval(days * 86_400))
            ]
            return new
        }
    }

    @Test func certificatesAreRenewedWeeksBeforeTheyEnd() async throws {
        try await makeCluster()
        let before = try await stored().value.spec
        try await expire(in: 40)
        #expect(try await look() == .settled)
        #expect(try await stored().value.spec == before)
        try await expire(in: 29)
        _ = try await look()
        let renewed = try await stored().value
        #expect(renewed.spec.controlPlane.revision(of: .etcd) == before.controlPlane.revision(of: .etcd) + 1)
        #expect(renewed.status.phase == .updating)
        let id = try #require(renewed.spec.update).id
        let update = try await update(id)
        #expect(update.requestedBy == "slipway" && update.type == ClusterUpdate.rotationType)
        // When it did not help, it is not tried again and again.
        try await settle()
        try await expire(in: 29)
        _ = try await look()
        #expect(try await stored().value.spec.update == nil)
        clock.advance(to: .seconds(8 * 86_400))
        try await expire(in: 21)
        _ = try await look()
        #expect(try await stored().value.spec.update != nil)
    }
}
