import Foundation
import Synchronization

/// A file lock (flock) that says who holds it. It ends with the process, however that ends, or when it is released.
public final class ProcessLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// - Throws: `ServerError`: `taken` when another process holds it, `failed` when the file cannot be made.
    public init(path: String, purpose: String) throws {
        // Closed on exec: a supervised process must not carry the lock away.
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw ServerError(.failed, "The lock \(path) cannot be made: \(String(cString: strerror(errno))).")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            let holder = Self.holder(path: path).map { " (process \($0))" } ?? ""
            throw ServerError(.taken, "\(purpose)\(holder).")
        }
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

    /// The process that holds the lock, or nil when nobody does.
    public static func holder(path: String) -> Int32? {
        let descriptor = open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) != 0 else { return nil }
        return (try? String(contentsOfFile: path, encoding: .utf8)).flatMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
    }
}
