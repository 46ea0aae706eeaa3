import Foundation
import Synchronization

/// A file lock (flock) that says who holds it. It ends with the process, however that ends, or when it is released.
public final class ProcessLock: Sendable {
    private let path: String
    private let descriptor: Mutex<Int32?>

    /// - Throws: `ServerError`: `taken` when another process holds it, `failed` when the file cannot be made.
    public init(path: String, purpose: String) throws {
        // Closed on exec: a supervised process must not carry the lock away.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ServerError(.failed, "The lock \(path) cannot be made: \(String(cString: strerror(errno))).")
        }
        // The file may have been removed by its former holder between the two calls: a lock on it would keep nobody out.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, Self.isNamed(descriptor) else {
            close(descriptor)
            let holder = Self.holder(path: path).map { " (process \($0))" } ?? ""
            throw ServerError(.taken, "\(purpose)\(holder).")
        }
        self.path = path
        self.descriptor = Mutex(descriptor)
        ftruncate(descriptor, 0)
        let text = "\(getpid())\n"
        _ = text.withCString { Foundation.write(descriptor, $0, strlen($0)) }
    }

    deinit { release() }

    /// Another may have it now.
    public func release() {
        descriptor.withLock { descriptor in
            if let held = descriptor { close(held) }
            descriptor = nil
        }
    }

    /// Takes the file away, too: for a lock in a directory that is to be left as it was found.
    public func remove() {
        unlink(path)
        release()
    }

    /// proc_pid_fd(5): the link of a file without a name says so.
    private static func isNamed(_ descriptor: Int32) -> Bool {
        guard let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)") else { return true }
        return !link.hasSuffix(" (deleted)")
    }

    /// The process that holds the lock, or nil when nobody does.
    public static func holder(path: String) -> Int32? {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return nil }
        return (try? String(contentsOfFile: path, encoding: .utf8)).flatMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
}
