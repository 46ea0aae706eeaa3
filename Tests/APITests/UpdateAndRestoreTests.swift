import ClusterService
import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Identity
import SignatureV4
import Testing
import Timing

/// What puts other data in a cluster's place and what changes its programs do not meet.
@Suite struct UpdateAndRestoreTests {
    private let region: EKSTestRegion
    private let backup: Backup

    /// A region with the active cluster `demo`, and a backup of it.
    init() async throws {
        region = try await EKSTestRegion()
        try await region.createCluster("demo", #""version": "1.20""#)
        let now = region.time.now
        let demo = try #require(try await region.cluster("demo"))
        _ = try await region.store.update(Cluster.self, demo.storeKey) { cluster in
            var new = cluster
            new.spec.controlPlane.release = ReleaseID(rawValue: "1.20.2-eks.1")
            new.spec.controlPlane.etcdRelease = ReleaseID(rawValue: "1.20.2-eks.1")
            new.spec.controlPlane.version = KubernetesVersion(major: 1, minor: 20, patch: 2)
            new.status.phase = .active
            new.status.activeSince = now
            return new
        }
        var backup = Backup(
            id: BackupID(cluster: demo.name, at: now, suffix: "t3st"), cell: demo.cell, clusterUID: demo.metadata.uid, ownerARN: "arn",
            requestedAt: now, requestedBy: "arn", location: .directory("/var/lib/backups"))
        backup.phase = .complete
        self.backup = backup
        try await region.store.create(backup)
    }

    private var caller: Principal {
        get async throws { try #require(try await region.identity.find(accessKeyID: region.admin.accessKeyID)).principal }
    }

    private func restore() async throws -> Cluster {
        try await ClusterBackups(
            clusters: region.clusters, store: region.store, defaultPolicy: BackupPolicy(location: .directory("/var/lib/backups")),
            sealing: ReversedSealing(), revision: { _ in 1234 }, suffix: { "t3st" }, time: region.time
        ).restoreInPlace(backup.id.rawValue, as: try await caller)
    }

    private func recover() async throws -> Cluster {
        let source = RecoveryProposal.Candidate(kind: RecoveryProposal.Candidate.member, name: "etcd-local-1a", revision: 7, at: nil)
        return try await region.clusters.recover("demo", from: source, as: try await caller)
    }

    private func update() async throws -> EKSAnswer { try await region.call(.post, "/clusters/demo/updates", #"{"version": "1.20"}"#) }

    private func isInUse(_ body: () async throws -> Cluster) async throws -> Bool {
        do {
            _ = try await body()
            return false
        } catch let error as ClusterServiceError {
            return error.code == .inUse && error.message.contains("update cancel demo")
        }
    }

    private func encrypt(_ phase: EncryptionPhase, updateID: String?) async throws {
        let stored = try #require(try await region.store.get(Cluster.self, StoreKeys.cluster(backup.id.cluster, in: backup.cell)))
        _ = try await region.store.update(stored) { current in
            var new = current
            new.spec.encryption = EncryptionIntent(
                keyARN: "arn:aws:kms:r:0:key/1", scope: "u", target: EncryptionSeal(keyVersion: 2, interface: .v1), phase: phase,
                updateID: updateID)
            return new
        }
    }

    /// What comes back may be plain, or sealed with an older version of the key.
    @Test func whatIsRecoveredFromABackupIsSealedAnew() async throws {
        try await encrypt(.settled, updateID: nil)
        let revision = try #require(try await region.cluster("demo")).spec.controlPlane.apiServerRevision
        let source = RecoveryProposal.Candidate(
            kind: RecoveryProposal.Candidate.backup, name: backup.id.rawValue, revision: 7, at: nil)
        let spec = try await region.clusters.recover("demo", from: source, as: try await caller).spec
        #expect(spec.encryption?.phase == .writable && spec.encryption?.plain == .values)
        #expect(spec.controlPlane.apiServerRevision == revision + 1)
        // A member's volume is the cluster's own.
        let other = RecoveryProposal.Candidate(
            kind: RecoveryProposal.Candidate.backup, name: "demo.20200101T000000Z-none", revision: 7, at: nil)
        await #expect(throws: ClusterServiceError.self) {
            _ = try await region.clusters.recover("demo", from: other, as: try await caller)
        }
    }

    @Test func nothingIsRestoredWhileSecretsAreBeingEncrypted() async throws {
        try await encrypt(.readable, updateID: "u")
        await #expect(throws: ClusterServiceError.self) { try await restore() }
        #expect(try await region.cluster("demo")?.spec.encryption?.phase == .readable)
        try await encrypt(.settled, updateID: nil)
        #expect(try await restore().spec.encryption?.phase == .writable)
    }

    @Test func whileAnUpdateIsUnderWayNothingIsRestoredOrRecovered() async throws {
        #expect(try await update().status == 200)
        #expect(try await isInUse { try await restore() })
        #expect(try await isInUse { try await recover() })
        #expect(try await region.cluster("demo")?.spec.restore == nil)
    }

    /// Without its data the cluster could never become what it was before.
    @Test func whatGoesBackCanBeRecovered() async throws {
        #expect(try await update().status == 200)
        _ = try await region.clusters.cancelUpdate(nil, of: "demo", as: try await caller)
        #expect(try await isInUse { try await restore() })
        #expect(try await recover().spec.restore?.source == .volume("etcd-local-1a"))
    }

    @Test func whileARestoreIsUnderWayNothingIsUpdated() async throws {
        _ = try await restore()
        let answer = try await update()
        #expect(answer.status == 409 && answer.errorType == "ResourceInUseException" && answer.text.contains("restored"))
        #expect(try await region.cluster("demo")?.spec.update == nil)
    }

    /// Nobody is to blame an update for what was there before it.
    @Test func whoIsNotWellWhenItBeginsIsWrittenDown() async throws {
        #expect(try await update().status == 200)
        let update = try #require(try await region.cluster("demo")?.spec.update)
        #expect(update.troubled == ["etcd-local-1a", "etcd-local-1b", "etcd-local-1c"])
        #expect(!update.hasMovedEtcd)
    }
}
