import Backups
import EtcdClient
import FleetModel
import Foundation
import Planning
import Substrate
import Timing

/// Takes one snapshot of one cluster's etcd and seals it into the backup's store.
struct SnapshotTaker: Sendable {
    let stores: BackupStores
    let programs: EtcdPrograms
    let credentials: CredentialStore
    let probe: any HealthProbe
    let board: ServiceStateBoard
    let scratch: String
    let time: TimeSource

    /// - Parameters:
    ///   - avoided: members that failed at it just now.
    ///   - progress: bytes of the snapshot so far, and bytes to expect.
    /// - Throws: `TakerError` naming the member; `FleetError`, `BackupError`.
    func take(
        _ backup: Backup, of cluster: Cluster, avoiding avoided: Set<String>, progress: @escaping @Sendable (Int64, Int64) async -> Void
    ) async throws -> BackupFacts {
        let archive = try stores.archive(at: backup.location)
        let access = EtcdAccess(cluster: cluster, credentials: try await credentials.credentials(of: cluster), time: time)
        let member = try await choose(cluster, access, avoided)
        let directory = "\(scratch)/\(backup.id)"
        try await ScratchDirectory.make(directory)
        do {
            let facts = try await EtcdClient.with(try access.configuration(of: [member], timeout: .seconds(60), lifetime: 86_400)) {
                client in
                try await self.download(from: client, member, to: "\(directory)/snapshot.db", progress)
            }
            let stored = try await archive.write(
                snapshot: "\(directory)/snapshot.db", of: backup, spec: cluster.spec, facts: facts)
            try await ScratchDirectory.remove(directory)
            return stored
        } catch {
            try? await ScratchDirectory.remove(directory)
            if error is CancellationError || error is BackupError { throw error }
            throw TakerError(member: member, cause: error)
        }
    }

    private func choose(_ cluster: Cluster, _ access: EtcdAccess, _ avoided: Set<String>) async throws -> String {
        let members = access.members
        let target = ProbeTarget(cluster: cluster, etcdMembers: members.map { .init(name: $0.name, address: $0.address) }, apiServers: [])
        let health = await probe.probe(target).etcdMembers
        let view = board.view(of: cluster.name)
        guard
            let member = SnapshotMemberPlanner().choose(
                members.map { ($0.name, $0.zone) }, health, unavailable: view.evacuatedZones, isolated: view.isolated, avoided: avoided)
        else { throw FleetError(.kubernetes, "no etcd member of '\(cluster.name)' is healthy and in service") }
        return member
    }

    private func download(
        from client: EtcdClient, _ member: String, to path: String, _ progress: @escaping @Sendable (Int64, Int64) async -> Void
    ) async throws -> BackupFacts {
        let status = try await client.status()
        let expected = status.size
        let taken = time.now
        let download = try await SnapshotDownload.run(from: client, to: path) { await progress($0, expected) }
        let tool = try await programs.snapshotTool(for: status.version)
        let file = try await tool.status(of: path)
        // What the member itself says of the same revision, to be compared with after a restore.
        let hash = try await client.hash(upTo: file.revision)
        let keys = try await client.count(.prefix([]), revision: file.revision)
        return BackupFacts(
            takenAt: taken, member: member, etcdVersion: status.version, revision: file.revision, keyCount: keys, hash: hash.hash,
            hashCompactRevision: hash.compactRevision, fileHash: file.hash, fileEntries: file.totalKey, size: download.size,
            sha256: download.sha256, storedSize: 0)
    }
}

/// A snapshot that a member did not give.
struct TakerError: Error, CustomStringConvertible {
    var member: String
    var cause: any Error

    var description: String { "\(member): \(cause)" }
}
