import EtcdClient
import FleetModel
import Foundation
import Timing

/// Really restores a backup into an etcd of its own, and compares what is in it with what was written down.
public struct BackupVerifier: Sendable {
    let archive: BackupArchive
    let programs: EtcdPrograms
    /// Where scratch directories are made; each is removed.
    let scratch: String
    let time: TimeSource

    public init(archive: BackupArchive, programs: EtcdPrograms, scratch: String, time: TimeSource) {
        self.archive = archive
        self.programs = programs
        self.scratch = scratch
        self.time = time
    }

    /// - Parameter snapshot: where the backup's snapshot is put, checked; nil when nobody wants it afterwards.
    /// - Returns: the facts that were found to be true.
    /// - Throws: `BackupError`: `damaged` with which backup and what is wrong; any other code says nothing about the backup.
    @discardableResult
    public func verify(_ id: BackupID, keeping snapshot: String? = nil) async throws -> BackupFacts {
        let directory = "\(scratch)/\(id)-\(UUID().uuidString.prefix(8).lowercased())"
        try await Files.blocking { try Files.makeDirectory(directory) }
        do {
            let facts = try await verify(id, in: directory)
            if let snapshot { try await Files.blocking { try Files.move("\(directory)/snapshot.db", to: snapshot) } }
            try await Files.blocking { try Files.remove(directory) }
            return facts
        } catch {
            try? await Files.blocking { try Files.remove(directory) }
            throw error
        }
    }

    private func verify(_ id: BackupID, in directory: String) async throws -> BackupFacts {
        let manifest = try await archive.manifest(of: id)
        let facts = manifest.facts
        let file = "\(directory)/snapshot.db"
        try await archive.extract(manifest, to: file)
        let tool = try await programs.snapshotTool(for: facts.etcdVersion)
        let status = try await tool.status(of: file)
        func compare(_ what: String, _ written: some Equatable, _ found: some Equatable, _ areEqual: Bool) throws {
            guard areEqual else {
                throw BackupError(.damaged, "Backup \(id) is damaged: its \(what) is \(found) and \(written) was written down.")
            }
        }
        try compare("file's hash", facts.fileHash, status.hash, facts.fileHash == status.hash)
        try compare("file's revision", facts.revision, status.revision, facts.revision == status.revision)
        try compare("file's number of entries", facts.fileEntries, status.totalKey, facts.fileEntries == status.totalKey)

        let etcd = ScratchEtcd(program: try await programs.server(for: facts.etcdVersion), directory: directory, time: time)
        let found = try await etcd.with { data, member in
            try await SnapshotRestore(tool: tool, members: [member], token: id.rawValue).restore(file, member: member, to: data)
        } _: { client in
            try await RestoredState(client, facts)
        }
        try compare("restored revision", facts.revision, found.revision, facts.revision == found.revision)
        try compare("restored number of keys", facts.keyCount, found.keyCount, facts.keyCount == found.keyCount)
        try compare("restored hash", facts.hash, found.hash, facts.hash == found.hash)
        return facts
    }
}

/// What an etcd holds.
private struct RestoredState: Sendable {
    var revision: Int64
    var keyCount: Int64
    var hash: UInt32

    init(_ client: EtcdClient, _ facts: BackupFacts) async throws {
        revision = try await client.status().revision
        // A different revision is said by the caller; what is asked for must exist.
        let upTo = min(revision, facts.revision)
        keyCount = try await client.count(.prefix([]), revision: upTo)
        var found = try await client.hash(upTo: upTo)
        if found.compactRevision < facts.hashCompactRevision, facts.hashCompactRevision < upTo {
            // The cluster compacted between the snapshot and its hash: the same is done here, and the hashes compare.
            try await client.compact(to: facts.hashCompactRevision)
            found = try await client.hash(upTo: upTo)
        }
        hash = found.hash
    }
}
