/// Directories for snapshots on their way: readable by their owner only, and gone afterwards.
public enum ScratchDirectory {
    /// Empty, also when an interrupted run left one.
    public static func make(_ path: String) async throws {
        try await Files.blocking {
            try Files.remove(path)
            try Files.makeDirectory(path)
        }
    }

    public static func remove(_ path: String) async throws { try await Files.blocking { try Files.remove(path) } }
}
