import Foundation
import Glibc

/// The file that holds the encryption keys: one a line, `ID BASE64`, the first of which seals.
///
/// It must be a plain file of ours that nobody else can read (mode 0600 or stricter); anything else is refused, because a
/// key that others could read protects nothing. A second service needs a copy of the same file.
public struct SecretKeyFile: Sendable {
    public var path: String

    public init(path: String) { self.path = path }

    /// Reads the keys; makes the file with one new key when there is none.
    ///
    /// Two processes that start at once end with the same key: the file is written apart and linked into place, which only
    /// one of them can do.
    /// - Throws: `PKIError` (`keyFile`).
    public func loadOrCreate() throws -> SecretBox {
        if let box = try load() { return box }
        try create()
        guard let box = try load() else { throw PKIError(.keyFile, "The key file \(path) was removed while it was made.") }
        return box
    }

    /// Reads the keys; nil when there is no file.
    /// - Throws: `PKIError` (`keyFile`).
    public func load() throws -> SecretBox? {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("cannot be opened")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("cannot be examined") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw PKIError(.keyFile, "The key file \(path) is not a plain file.") }
        guard status.st_uid == geteuid() else {
            throw PKIError(.keyFile, "The key file \(path) belongs to user \(status.st_uid); it must belong to user \(geteuid()).")
        }
        guard status.st_mode & 0o077 == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw PKIError(.keyFile, "The key file \(path) has mode 0\(mode), so others may have read it; run: chmod 600 \(path)")
        }
        return try parse(try read(descriptor))
    }

    private func create() throws {
        let key = SecretBox.Key.random()
        let temporary = "\(path).\(key.id)"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("cannot be made") }
        defer {
            close(descriptor)
            unlink(temporary)
        }
        let line = Array("\(key.id) \(key.bytes.base64EncodedString())\n".utf8)
        guard fchmod(descriptor, 0o600) == 0, write(descriptor, line, line.count) == line.count, fsync(descriptor) == 0 else {
            throw failure("cannot be written")
        }
        guard link(temporary, path) == 0 || errno == EEXIST else { throw failure("cannot be put in place") }
    }

    private func read(_ descriptor: Int32) throws -> String {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw failure("cannot be read") }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    private func parse(_ text: String) throws -> SecretBox {
        let keys = try text.split(separator: "\n").map { line in
            let parts = line.split(separator: " ")
            guard parts.count == 2, let bytes = Data(base64Encoded: String(parts[1])) else {
                throw PKIError(.keyFile, "The key file \(path) has a line that is not 'ID BASE64'.")
            }
            return try SecretBox.Key(id: String(parts[0]), bytes: bytes)
        }
        guard let first = keys.first else { throw PKIError(.keyFile, "The key file \(path) is empty; restore it from a copy.") }
        return SecretBox(current: first, older: Array(keys.dropFirst()))
    }

    private func failure(_ what: String) -> PKIError {
        PKIError(.keyFile, "The key file \(path) \(what): \(String(cString: strerror(errno))).")
    }
}
