import Crypto
import FleetModel
import Foundation
import PKI
import Testing

@testable import Backups

/// An archive in a directory of its own, and a snapshot that is none of etcd's.
struct ArchiveFixture {
    let directory: String
    let box = SecretBox(current: .random())
    let archive: BackupArchive
    let backup: Backup
    let spec: ClusterSpec
    let snapshot: [UInt8]

    init(store: (any BackupStore)? = nil) async throws {
        directory = "\(NSTemporaryDirectory())/slipway-backups-\(UUID().uuidString)".replacingOccurrences(of: "//", with: "/")
        try Files.makeDirectory(directory)
        archive = BackupArchive(store: store ?? DirectoryBackupStore(directory: "\(directory)/store"), box: box)
        let cluster = try ClusterName("demo")
        backup = Backup(
            id: try BackupID("demo.20261124T104512Z-3f2a"), cell: CellName(rawValue: "a"), clusterUID: "uid", ownerARN: "arn",
            requestedAt: Date(timeIntervalSince1970: 1_800_000_000), requestedBy: Backup.schedule,
            location: .directory("\(directory)/store"))
        spec = ClusterSpec(
            controlPlane: ControlPlaneSpec(
                release: ReleaseID(rawValue: "1.33.4-eks.1"), version: try KubernetesVersion("1.33.4"),
                zones: [ZoneName(rawValue: "z-a")], network: try ClusterNetwork(pool: try IPv4Block("100.66.0.0/16"), slot: 0)),
            settings: ClusterSettings(roleARN: "role", subnetIDs: [], creatorARN: "arn"))
        #expect(backup.id.cluster == cluster)
        let database = Array(String(repeating: "secret of the cluster ", count: 512 * 8).utf8)
        snapshot = database + Array(SHA256.hash(data: database))
    }

    func write() async throws -> BackupFacts {
        try Files.replace("\(directory)/snapshot", snapshot)
        var digest = SnapshotDigest()
        digest.add(snapshot)
        return try await archive.write(
            snapshot: "\(directory)/snapshot", of: backup, spec: spec,
            facts: BackupFacts(
                takenAt: backup.requestedAt, member: "etcd-z-a", etcdVersion: "3.5.16", revision: 12, keyCount: 3, hash: 1,
                hashCompactRevision: 0, fileHash: 2, fileEntries: 4, size: digest.size, sha256: digest.sha256, storedSize: 0))
    }

    func change(_ path: String, _ change: (inout [UInt8]) -> Void) throws {
        var bytes = try #require(Files.text(path))
        change(&bytes)
        try Files.replace(path, bytes)
    }
}
