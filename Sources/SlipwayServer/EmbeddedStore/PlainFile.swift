import Foundation

/// Small files that are there whole or not at all.
public enum PlainFile {
    /// Writes beside the file, flushes, and renames over it.
    /// - Throws: `ServerError` (`failed`) that names the file.
    public static func write(_ text: String, to path: String, mode: UInt16 = 0o600) throws {
        let draft = "\(path).new"
        do {
            // Removed first: an old draft would keep its mode.
            unlink(draft)
            let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode_t(mode))
            guard descriptor >= 0 else { throw Self.error() }
            defer { close(descriptor) }
            let bytes = [UInt8](text.utf8)
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
                guard count > 0 else { throw Self.error() }
                sent += count
            }
            // The mode given to open is cut by the umask.
            guard fchmod(descriptor, mode_t(mode)) == 0, fsync(descriptor) == 0, rename(draft, path) == 0 else { throw Self.error() }
        } catch {
            unlink(draft)
            throw ServerError(.failed, "The file \(path) could not be written.", cause: error)
        }
    }

    private static func error() -> POSIXError { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
}
