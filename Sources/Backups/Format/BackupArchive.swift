import Crypto
import FleetModel
import Foundation
import PKI
import Synchronization

/// The backups in a store: writes them sealed, and gives out only what it could check.
///
/// The manifest is written last: data without one is nothing, and goes with the next attempt or with `delete`.
public struct BackupArchive: Sendable {
    public let store: any BackupStore
    let box: SecretBox

    /// - Parameter box: of the region's secret key.
    public init(store: any BackupStore, box: SecretBox) {
        self.store = store
        self.box = box
    }

    /// Seals a snapshot into the store.
    /// - Parameters:
    ///   - snapshot: its file, which must not change meanwhile.
    ///   - facts: without `storedSize`.
    /// - Returns: the facts as they are kept.
    public func write(snapshot path: String, of backup: Backup, spec: ClusterSpec, facts: BackupFacts) async throws -> BackupFacts {
        let key = SymmetricKey(size: .bits256)
        let sealing = Sealing(ChunkSealer(id: backup.id.rawValue, key: key), of: try FileReader(path).stream)
        try await store.put(BackupManifest.dataName(backup.id), ByteStream { try await sealing.next() })
        var facts = facts
        facts.storedSize = await sealing.size
        let manifest = BackupManifest(id: backup.id, backup: backup, spec: spec, facts: facts, dataKey: key)
        try await store.put(BackupManifest.manifestName(backup.id), bytes: try manifest.sealed(with: box))
        return facts
    }

    /// - Throws: `BackupError`: `damaged` also when it is missing.
    public func manifest(of id: BackupID) async throws -> BackupManifest {
        let bytes: [UInt8]
        do {
            bytes = try await store.read(BackupManifest.manifestName(id))
        } catch let error as BackupError where error.code == .notFound {
            throw BackupError(.damaged, "Backup \(id) is damaged: its manifest is missing.")
        }
        return try BackupManifest(opening: bytes, of: id, with: box)
    }

    /// Writes a backup's snapshot to a new file. What is left of it after an error is removed.
    /// - Throws: `BackupError` (`damaged`) when anything is not as it was written.
    public func extract(_ manifest: BackupManifest, to path: String) async throws {
        let id = manifest.id
        do {
            let file = try FileWriter(path)
            let opening = Mutex((opener: ChunkOpener(id: id.rawValue, key: SymmetricKey(data: manifest.dataKey)), digest: SnapshotDigest()))
            try await store.get(BackupManifest.dataName(id)) { piece in
                let plain = try opening.withLock { state in
                    let plain = try state.opener.add(piece)
                    state.digest.add(plain)
                    return plain
                }
                if !plain.isEmpty { try await file.write(plain) }
            }
            try await file.synchronize()
            let digest = try opening.withLock { state in
                try state.opener.finish()
                return state.digest
            }
            guard digest.size == manifest.facts.size, digest.sha256 == manifest.facts.sha256 else {
                throw BackupError(.damaged, "Backup \(id) is damaged: its snapshot is not the one that its manifest describes.")
            }
            if let problem = digest.problem { throw BackupError(.damaged, "Backup \(id) is damaged: \(problem).") }
        } catch {
            try? Files.remove(path)
            if let error = error as? BackupError, error.code == .notFound {
                throw BackupError(.damaged, "Backup \(id) is damaged: its data is missing.")
            }
            throw error
        }
    }

    /// The manifest first: half a deletion leaves data that nobody takes for a backup.
    public func delete(_ id: BackupID) async throws {
        try await store.delete(BackupManifest.manifestName(id))
        try await store.delete(BackupManifest.dataName(id))
    }

    /// Every backup that has a manifest, whatever the region's store knows.
    public func backups() async throws -> [BackupID] {
        try await store.list(prefix: "").compactMap { object in
            guard object.name.hasSuffix(".manifest"), let file = object.name.split(separator: "/").last else { return nil }
            guard let id = try? BackupID(String(file.dropLast(".manifest".count))), BackupManifest.manifestName(id) == object.name else {
                return nil
            }
            return id
        }
    }
}

/// Seals as it is read.
private actor Sealing {
    private var sealer: ChunkSealer
    private let source: ByteStream
    private var isBegun = false
    private var isOver = false
    private(set) var size: Int64 = 0

    init(_ sealer: ChunkSealer, of source: ByteStream) {
        self.sealer = sealer
        self.source = source
    }

    func next() async throws -> [UInt8]? {
        if isOver { return nil }
        var out: [UInt8] = isBegun ? [] : sealer.header
        isBegun = true
        if let piece = try await source.next() {
            out += try sealer.add(piece)
        } else {
            out += try sealer.finish()
            isOver = true
        }
        size += Int64(out.count)
        return out
    }
}
