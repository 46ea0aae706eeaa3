import Controller
import FleetModel
import FleetStore
import Foundation
import Logging
import Planning
import Synchronization
import Testing
import Timing

@testable import Fleet

/// The phases over a store in memory and an etcd that is a list of values.
@Suite struct EncryptionReconcilerTests {
    /// What the API servers and etcd of one cluster do, as far as encryption is concerned.
    final class FakeStorage: SecretStorage {
        struct State {
            /// What each secret is sealed with.
            var secrets: [String]
            var revision: Int64 = 100
            var compactedTo: Int64 = 0
            var failures = 0
        }
        let state: Mutex<State>

        init(_ secrets: [String]) { state = Mutex(State(secrets: secrets)) }

        func census(of cluster: Cluster, sealedWith prefix: String, history revision: Int64?) async throws -> SecretCensus {
            state.withLock { state in
                var census = SecretCensus(
                    total: state.secrets.count, others: state.secrets.count { !$0.hasPrefix(prefix) }, revision: state.revision)
                if let revision { census.isHistoryGone = state.compactedTo >= revision }
                return census
            }
        }

        func rewrite(_ cluster: Cluster, to prefix: String, limit: Int) async throws -> Int {
            try state.withLock { state in
                if state.failures > 0 {
                    state.failures -= 1
                    throw FleetError(.kubernetes, "no answer")
                }
                guard let first = cluster.spec.encryption?.apiServerProviders.first, case .kms(let seal) = first else {
                    Issue.record("rewritten by API servers that do not write with the key")
                    return 0
                }
                // Not more than two at a time, whatever the limit.
                let stale = state.secrets.indices.filter { !state.secrets[$0].hasPrefix(prefix) }
                for index in stale.prefix(2) {
                    state.secrets[index] = seal.storedPrefix(of: cluster.spec.encryption?.keyID ?? "")
                    state.revision += 1
                }
                return min(2, stale.count)
            }
        }

        func compact(_ cluster: Cluster, to revision: Int64) async throws { state.withLock { $0.compactedTo = revision } }
    }

    struct FixedKeys: KeyService {
        let version: Int
        func keys() async throws -> [KeyDescription] {
            [
                KeyDescription(
                    id: EncryptionReconcilerTests.key, arn: EncryptionReconcilerTests.arn, description: "", createdAt: .distantPast,
                    version: version, rotatedAt: .distantPast)
            ]
        }
        func create(description: String) async throws -> KeyDescription { throw KeyServiceError(.invalid, "not here") }
        func rotate(_ arn: String) async throws -> KeyDescription { throw KeyServiceError(.invalid, "not here") }
        func package(_ arn: String, versions: [Int], scope: String) async throws -> KeyPackage { KeyPackage(keys: []) }
    }

    static let key = "1a2b3c4d-0000-4000-8000-000000000000"
    static let arn = "arn:aws:kms:local-1:000000000000:key/\(key)"
    private let cell = CellName(rawValue: "a")
    private let name: ClusterName
    private let clock = VirtualTime()
    private let store: MemoryStore

    init() throws {
        name = try ClusterName("demo")
        store = MemoryStore(time: clock.source)
    }

    /// An active cluster that is asked to encrypt its secrets.
    private func makeCluster() async throws {
        let version = try KubernetesVersion("1.20.2")
        let spec = ControlPlaneSpec(
            release: ReleaseID(rawValue: "1.20.2-eks.1"), version: version, zones: Region.standard().zones,
            network: try ClusterNetwork(pool: try IPv4Block("100.66.0.0/16"), slot: 0))
        var cluster = Cluster(
            name: name, cell: cell, metadata: Metadata(uid: "uid", createdAt: clock.source.now),
            spec: ClusterSpec(controlPlane: spec, settings: ClusterSettings(roleARN: "", subnetIDs: [], creatorARN: "")))
        let update = ClusterUpdate.encryption(
            "u", of: cluster, keyARN: Self.arn, type: "AssociateEncryptionConfig", now: clock.source.now)
        cluster.spec.encryption = EncryptionIntent(
            keyARN: Self.arn, scope: "uid", target: .newest(keyVersion: 1, for: version), phase: .readable, plain: .values, updateID: "u")
        cluster.status.activeSince = clock.source.now
        cluster.status.phase = .updating
        try await store.commit([try .put(cluster), try .put(update)], if: [])
    }

    private func cluster() async throws -> Cluster {
        try #require(try await store.get(Cluster.self, StoreKeys.cluster(name, in: cell))).value
    }

    /// The cluster's controller says that all is as the spec says; etcd's care has defragmented whom it was to.
    private func settle() async throws {
        clock.advance(to: clock.now + .seconds(30))
        let now = clock.source.now
        _ = try await store.update(Cluster.self, StoreKeys.cluster(name, in: cell)) { cluster in
            var new = cluster
            new.status.observedGeneration = cluster.metadata.generation
            new.status.conditions = [Condition(kind: .progressing, status: .no, reason: "AsWanted", message: "", since: now)]
            if let since = cluster.spec.encryption?.freshFilesSince {
                var report = cluster.status.etcd ?? EtcdReport()
                // One at a time.
                let members = cluster.spec.controlPlane.zones.map { "etcd-\($0)" }
                if let next = members.first(where: { report.defragmentedAt?[$0].map { $0 < since } ?? true }) {
                    report.noteDefragmented(next, began: now)
                }
                new.status.etcd = report
            }
            return new
        }
    }

    /// A new one each time: nothing is remembered from step to step, as after a kill.
    private func step(_ storage: FakeStorage, keyVersion: Int = 1) async throws -> Outcome {
        try await EncryptionReconciler(
            cell: cell, store: store, keys: FixedKeys(version: keyVersion), storage: storage, time: clock.source,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        ).reconcile(name)
    }

    /// - Parameter phases: what it went through, ending with `settled`.
    private func run(_ storage: FakeStorage, keyVersion: Int = 1, limit: Int = 60) async throws -> [String] {
        var phases = [try #require(try await cluster().spec.encryption).phase.name]
        for _ in 0..<limit {
            let before = try await cluster().spec
            let outcome = try? await step(storage, keyVersion: keyVersion)
            let after = try await cluster()
            let phase = try #require(after.spec.encryption).phase.name
            if phase != phases.last { phases.append(phase) }
            // What API servers are told never changes without their revision.
            let isSame = before.encryption?.apiServerProviders == after.spec.encryption?.apiServerProviders
            let isSameRevision = before.controlPlane == after.spec.controlPlane
            #expect(isSame == isSameRevision, "\(phases)")
            if outcome == .settled { return phases }
            try await settle()
        }
        Issue.record("it does not settle: \(phases)")
        return phases
    }

    @Test func anAssociationEndsWithNothingPlainAndItsUpdateDone() async throws {
        try await makeCluster()
        let storage = FakeStorage(Array(repeating: "k8s\u{0}plain", count: 7))
        storage.state.withLock { $0.failures = 2 }
        #expect(try await run(storage) == ["readable", "writable", "rewriting", "compacting", "defragmenting", "settled"])
        let (secrets, compacted) = storage.state.withLock { ($0.secrets, $0.compactedTo) }
        #expect(secrets.allSatisfy { $0.hasPrefix("k8s:enc:kms:v1:slipway-1a2b3c4d-1:") } && compacted == 107)
        let update = try #require(try await store.get(ClusterUpdate.self, StoreKey(rawValue: "cells/a/updates/demo/u"))).value
        #expect(update.status == .successful && update.finishedAt != nil)
        #expect(try await cluster().spec.encryption?.updateID == nil)
        #expect(try await cluster().status.phase == .active)
        #expect(try await !cluster().status.conditions.contains { $0.kind == .secretsEncrypted })
    }

    /// What the cluster's controller decides about the update whose end lets API servers seal.
    private func decide(_ verdict: UpdateJudge.Verdict) async throws {
        let stored = try #require(try await store.get(Cluster.self, StoreKeys.cluster(name, in: cell)))
        _ = try await UpdateSettlement(store: store, policy: UpdatePolicy(), time: clock.source).settle(stored, verdict)
    }

    /// As the API begins it: API servers take up the key in an update that can go back.
    private func beginAssociation() async throws {
        try await makeCluster()
        let now = clock.source.now
        _ = try await store.update(Cluster.self, StoreKeys.cluster(name, in: cell)) { cluster in
            var (new, before) = (cluster, cluster.spec)
            before.encryption = nil
            new.spec.controlPlane.renewAPIServers()
            new.spec.update = UpdateIntent(
                id: "u", startedAt: now, previous: before.controlPlane, previousSettings: before.settings)
            return new
        }
    }

    private func update() async throws -> ClusterUpdate {
        try #require(try await store.get(ClusterUpdate.self, StoreKey(rawValue: "cells/a/updates/demo/u"))).value
    }

    @Test func whenAllCanReadTheyBeginToSeal() async throws {
        try await beginAssociation()
        let storage = FakeStorage(["plain"])
        let before = try await cluster().spec
        try await settle()
        _ = try await step(storage)
        #expect(try await cluster().spec == before, "that is for the update to say")
        try await decide(.ended)
        let spec = try await cluster().spec
        #expect(spec.encryption?.phase == .writable && spec.update == nil && spec.isUpdating)
        #expect(spec.controlPlane.apiServerRevision == before.controlPlane.apiServerRevision + 1)
        #expect(try await update().status == .inProgress)
        #expect(try await run(storage) == ["writable", "rewriting", "compacting", "defragmenting", "settled"])
        #expect(try await update().status == .successful)
    }

    @Test func whatAPIServersDoNotTakeUpGoesBackToPlain() async throws {
        try await beginAssociation()
        let before = try await cluster().spec
        try await decide(.goBack(reason: "the KMS plugin does nothing", errorCode: "ClusterUnreachable"))
        var spec = try await cluster().spec
        #expect(spec.encryption == nil && spec.update?.reversal != nil)
        #expect(spec.controlPlane == before.update?.previous)
        #expect(try await step(FakeStorage(["plain"])) == .absent)
        try await decide(.ended)
        spec = try await cluster().spec
        #expect(spec.update == nil && !spec.isUpdating && spec.encryption == nil)
        let update = try await update()
        #expect(update.status == .failed && update.errors.first?.errorMessage == "the KMS plugin does nothing")
    }

    @Test func whatKeepsSecretsFromBeingWrittenAnewIsSaid() async throws {
        try await makeCluster()
        let storage = FakeStorage(["plain"])
        storage.state.withLock { $0.failures = .max }
        for _ in 0..<20 {
            _ = try? await step(storage)
            try await settle()
        }
        _ = try? await step(storage)
        let condition = try await cluster().status.conditions.first { $0.kind == .secretsEncrypted }
        #expect(condition?.message == "no answer" && condition?.status == .no && condition?.reason == "SecretsRefused")
    }

    @Test func nothingHappensUntilAllAPIServersAreThere() async throws {
        try await makeCluster()
        let storage = FakeStorage(["plain"])
        let before = try await cluster().spec
        for _ in 0..<3 {
            guard case .waiting = try await step(storage) else {
                Issue.record("it does not wait")
                return
            }
        }
        #expect(try await cluster().spec == before)
        // A status that speaks of an older spec counts for nothing.
        try await settle()
        _ = try await store.update(Cluster.self, StoreKeys.cluster(name, in: cell)) { cluster in
            var new = cluster
            new.metadata.generation += 1
            return new
        }
        _ = try await step(storage)
        #expect(try await cluster().spec == before)
    }

    @Test func aNewKeyVersionIsFollowedAndRecorded() async throws {
        try await makeCluster()
        let storage = FakeStorage(["plain", "plain", "plain"])
        _ = try await run(storage)
        _ = try await step(storage, keyVersion: 2)
        #expect(
            try await run(storage, keyVersion: 2) == ["readable", "writable", "rewriting", "compacting", "retiring", "settled"])
        let cluster = try await cluster()
        #expect(cluster.spec.encryption?.older == [] && cluster.spec.encryption?.target.keyVersion == 2)
        let secrets = storage.state.withLock { $0.secrets }
        #expect(secrets.allSatisfy { $0.hasPrefix("k8s:enc:kms:v1:slipway-1a2b3c4d-2:") })
        let updates = try await store.list(ClusterUpdate.self, prefix: StoreKeys.updates(of: name, in: cell)).items.map(\.value)
        #expect(updates.count == 2 && updates.allSatisfy { $0.status == .successful })
    }

    @Test func aRotationWaitsForAnotherUpdate() async throws {
        try await makeCluster()
        let storage = FakeStorage(["plain"])
        _ = try await run(storage)
        let other = ClusterUpdate(
            id: "other", cluster: name, cell: cell, status: .inProgress, type: "VersionUpdate", parameters: [:], createdAt: clock.source.now
        )
        try await store.create(other)
        let before = try await cluster().spec
        _ = try await step(storage, keyVersion: 2)
        #expect(try await cluster().spec == before)
    }

    @Test func secretsOfEtcdAreFoundInTheAPI() {
        #expect(
            LiveSecretStorage.path(ofKey: Array("/registry/secrets/kube-system/a.b".utf8)) == "/api/v1/namespaces/kube-system/secrets/a.b")
        #expect(LiveSecretStorage.path(ofKey: Array("/registry/secrets/x".utf8)) == nil)
    }
}
