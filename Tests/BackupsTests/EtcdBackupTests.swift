import EtcdClient
import FleetModel
import Foundation
import PKI
import SlipwayTesting
import Testing
import Timing

@testable import Backups

/// Real etcds: snapshot, seal, check by restoring, damage, restore.
@Suite(.serialized, .timeLimit(.minutes(3))) struct EtcdBackupTests {
    /// Takes a backup of the etcd into the archive, as the region does.
    private func back(_ fixture: ArchiveFixture, up etcd: EtcdFixture, version: String) async throws -> BackupFacts {
        let programs = EtcdPrograms(catalog: CachedEtcd(), programs: CachedEtcd())
        let file = "\(fixture.directory)/snapshot"
        let facts = try await EtcdClient.with(etcd.configuration) { client in
            let download = try await SnapshotDownload.run(from: client, to: file) { _ in }
            let status = try await programs.snapshotTool(for: version).status(of: file)
            let hash = try await client.hash(upTo: status.revision)
            return BackupFacts(
                takenAt: Date(timeIntervalSince1970: 1_800_000_000), member: "test-0", etcdVersion: version, revision: status.revision,
                keyCount: try await client.count(.prefix([]), revision: status.revision), hash: hash.hash,
                hashCompactRevision: hash.compactRevision, fileHash: status.hash, fileEntries: status.totalKey, size: download.size,
                sha256: download.sha256, storedSize: 0)
        }
        let stored = try await fixture.archive.write(snapshot: file, of: fixture.backup, spec: fixture.spec, facts: facts)
        try Files.remove(file)
        return stored
    }

    private func verifier(_ fixture: ArchiveFixture) -> BackupVerifier {
        BackupVerifier(
            archive: fixture.archive, programs: EtcdPrograms(catalog: CachedEtcd(), programs: CachedEtcd()),
            scratch: "\(fixture.directory)/scratch", time: .system)
    }

    @Test(arguments: EtcdFixture.versions) func aBackupIsGoodUntilItIsDamaged(_ version: String) async throws {
        let fixture = try await ArchiveFixture()
        defer { try? Files.remove(fixture.directory) }
        let facts = try await EtcdFixture.with(version: version) { etcd in
            try await EtcdClient.with(etcd.configuration) { client in
                for key in 0..<40 as Range<UInt8> { _ = try await client.transaction(if: [], then: [.put([1, key], [key])]) }
                let now = try await client.transaction(if: [], then: [.delete(.key([1, 0]))]).revision
                // What is deleted and compacted counts for neither side.
                try await client.compact(to: now - 5)
                _ = try await client.transaction(if: [], then: [.put([2], [UInt8](repeating: 7, count: 200_000))])
            }
            return try await back(fixture, up: etcd, version: version)
        }
        #expect(facts.keyCount == 40)
        #expect(facts.revision == 43)
        #expect(try await verifier(fixture).verify(fixture.backup.id) == facts)
        #expect(try Files.names(in: "\(fixture.directory)/scratch").isEmpty, "nothing of the check is left")

        try fixture.changeData { $0[$0.count / 2] ^= 1 }
        let error = await #expect(throws: BackupError.self) { try await verifier(fixture).verify(fixture.backup.id) }
        #expect(error?.code == .damaged)
        #expect(try Files.names(in: "\(fixture.directory)/scratch").isEmpty)
    }

    /// The sealed bytes are as written, but they are not what the manifest says of the cluster.
    @Test func anotherClustersDataIsFoundByRestoring() async throws {
        let fixture = try await ArchiveFixture()
        defer { try? Files.remove(fixture.directory) }
        var facts = try await EtcdFixture.with { etcd in
            try await EtcdClient.with(etcd.configuration) { _ = try await $0.transaction(if: [], then: [.put([1], [1])]) }
            return try await back(fixture, up: etcd, version: EtcdFixture.newest)
        }
        let manifest = try await fixture.archive.manifest(of: fixture.backup.id)
        for change in [{ $0.keyCount += 1 }, { $0.hash ^= 1 }] as [(inout BackupFacts) -> Void] {
            facts = manifest.facts
            change(&facts)
            var lying = manifest
            lying.facts = facts
            try await fixture.archive.store.put(BackupManifest.manifestName(fixture.backup.id), bytes: try lying.sealed(with: fixture.box))
            let error = await #expect(throws: BackupError.self) { try await verifier(fixture).verify(fixture.backup.id) }
            #expect(error?.code == .damaged)
            #expect(error?.message.contains("restored") == true, "\(error?.message ?? "")")
        }
    }

    /// What a member's volume goes through, interrupted between any two of its steps.
    @Test func aVolumeIsReplacedWhateverInterruptsIt() async throws {
        let fixture = try await ArchiveFixture()
        defer { try? Files.remove(fixture.directory) }
        let volume = RestoredVolume(path: "\(fixture.directory)/volume")
        try Files.makeDirectory("\(volume.path)/etcd")
        try Files.replace("\(volume.path)/etcd/which", [1])
        struct Interrupted: Error {}
        await #expect(throws: Interrupted.self) { try await volume.replace(mark: "r1") { _ in throw Interrupted() } }
        #expect(Files.text("\(volume.path)/etcd/which") == [1], "nothing is touched before the new data is whole")
        for _ in 0..<2 {
            try await volume.replace(mark: "r1") { data in
                try Files.remove(data)
                try Files.makeDirectory(data)
                try Files.replace("\(data)/which", [2])
            }
            #expect(Files.text("\(volume.path)/etcd/which") == [2])
            #expect(try await volume.mark() == "r1")
            #expect(Files.text("\(volume.path)/etcd.before-r1/which") == [1], "the data from before stays aside")
            // As if it had been killed before the mark.
            try Files.remove("\(volume.path)/restored")
        }
        try await volume.forgetFormer()
        #expect(try Files.names(in: volume.path) == ["etcd"])
    }
}

extension ArchiveFixture {
    func changeData(_ change: (inout [UInt8]) -> Void) throws { try self.change("\(directory)/store/demo/\(backup.id).data", change) }
}

/// The etcds of the cache as releases.
struct CachedEtcd: ReleaseCatalog, ProgramLocating {
    private static let cache =
        "\(ProcessInfo.processInfo.environment["SLIPWAY_CACHE"] ?? "\(ProcessInfo.processInfo.environment["XDG_CACHE_HOME"] ?? "\(NSHomeDirectory())/.cache")/slipway")/etcd"

    func releases() async throws -> [Release] {
        try EtcdFixture.versions.map { version in
            Release(
                id: ReleaseID(rawValue: version), kubernetesVersion: try KubernetesVersion("1.33.4"), platformVersion: 1,
                etcdVersion: version,
                artifacts: ["etcd", "etcdctl", "etcdutl"].filter { Files.status("\(Self.cache)/\(version)/\($0)") != nil }.map {
                    Artifact(name: $0, sha256: "\(version)/\($0)", size: 0)
                }, importedAt: 0)
        }
    }

    func verifiedPath(of artifact: Artifact) throws -> String { "\(Self.cache)/\(artifact.sha256)" }
}
