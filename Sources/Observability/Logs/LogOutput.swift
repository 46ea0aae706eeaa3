import Foundation
import Synchronization

/// Where log lines go: a file descriptor, one `write` a line so that lines of several writers do not mix.
public final class LogOutput: Sendable {
    private let descriptor: Int32
    private let order = Mutex(())

    public static let standardError = LogOutput(descriptor: 2)

    /// - Parameter descriptor: stays open; it is the caller's.
    public init(descriptor: Int32) { self.descriptor = descriptor }

    /// Appends to the file, made with mode 0600.
    /// - Throws: `POSIXError` when it cannot be opened.
    public convenience init(path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        self.init(descriptor: descriptor)
    }

    public var isTerminal: Bool { isatty(descriptor) == 1 }

    func write(_ line: String) {
        let bytes = [UInt8]((line + "\n").utf8)
        order.withLock { _ in
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
                if count < 0 && errno == EINTR { continue }
                // A full disk or a closed pipe must not stop the service: the line is lost.
                guard count > 0 else { return }
                sent += count
            }
        }
    }
}
