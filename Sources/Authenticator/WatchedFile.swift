import Foundation
import Synchronization

#if canImport(Glibc)
    import Glibc
#endif

/// A JSON file that others replace: read again when it is another one than last time. A file that cannot be read leaves the
/// last good value in force, so that a half-done change locks nobody out.
final class WatchedFile<Value: Decodable & Sendable>: Sendable {
    private struct Identity: Equatable {
        var inode: UInt64
        var seconds: Int
        var nanoseconds: Int
        var size: Int64
    }

    private struct State {
        var identity: Identity?
        var value: Value?
    }

    private let path: String
    private let state = Mutex(State())

    init(_ path: String) { self.path = path }

    /// The file's value; nil when it was never readable.
    var value: Value? {
        let identity = identity()
        return state.withLock { state in
            if let identity, identity != state.identity, let data = FileManager.default.contents(atPath: path),
                let value = try? JSONDecoder().decode(Value.self, from: data)
            {
                state.value = value
                state.identity = identity
            }
            return state.value
        }
    }

    private func identity() -> Identity? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Identity(
            inode: UInt64(status.st_ino), seconds: status.st_mtim.tv_sec, nanoseconds: status.st_mtim.tv_nsec,
            size: Int64(status.st_size))
    }
}
