import Glibc
import Timing

/// An exclusive lock between processes (`flock`); the kernel frees it when its holder dies. It also excludes other tasks of
/// this process, as every holder opens the file anew.
enum FileLock {
    /// Waits until the lock is free, then holds it during `body`.
    /// - Throws: `ReleaseError` (`fileSystem`), `CancellationError` when the task is cancelled while waiting, or what `body` throws.
    static func hold<Result>(_ path: String, time: TimeSource, _ body: () async throws -> Result) async throws -> Result {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileSystem.failure("open the lock", path) }
        defer { close(descriptor) }
        // A blocking call would hold a thread that the lock's holder may need.
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR else { throw FileSystem.failure("lock", path) }
            try await time.sleep(for: .milliseconds(20))
        }
        return try await body()
    }
}
