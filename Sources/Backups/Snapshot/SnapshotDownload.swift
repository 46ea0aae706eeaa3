import EtcdClient
import Synchronization

/// Brings a member's snapshot into a file, as it comes.
public enum SnapshotDownload {
    public struct Result: Hashable, Sendable {
        public var size: Int64
        /// Lower-case hexadecimal.
        public var sha256: String
    }

    /// - Parameters:
    ///   - client: of one member alone.
    ///   - path: of a new file, for its owner only. What is left of it after an error is removed.
    ///   - progress: bytes so far; called often.
    /// - Throws: `EtcdError`; `BackupError` (`snapshot`) when etcd's checksum is not that of what came.
    public static func run(
        from client: EtcdClient, to path: String, timeout: Duration = .seconds(3600), progress: @escaping @Sendable (Int64) async -> Void
    ) async throws -> Result {
        do {
            let file = try FileWriter(path)
            let digest = Mutex(SnapshotDigest())
            try await client.snapshot(timeout: timeout) { piece in
                try await file.write(piece)
                let size = digest.withLock { digest in
                    digest.add(piece)
                    return digest.size
                }
                await progress(size)
            }
            try await file.synchronize()
            let whole = digest.withLock { $0 }
            if let problem = whole.problem { throw BackupError(.snapshot, "The snapshot that came from etcd is not whole: \(problem).") }
            return Result(size: whole.size, sha256: whole.sha256)
        } catch {
            try? Files.remove(path)
            throw error
        }
    }
}
