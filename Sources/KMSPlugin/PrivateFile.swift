import Foundation
import Glibc

/// What nobody but us may read or change. Anything else is refused: a key that others could read protects nothing.
enum PrivateFile {
    /// - Throws: `KMSPluginError` when it is no plain file of ours of mode 0600 or stricter.
    static func read(_ path: String) throws -> Data {
        let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path, "cannot be opened") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure(path, "cannot be examined") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw KMSPluginError("The key file \(path) is not a plain file.") }
        try checkOwner(path, status)
        guard status.st_mode & 0o077 == 0 else {
            throw KMSPluginError("The key file \(path) has mode \(mode(status)), so others may have read it; it must have mode 0600.")
        }
        do {
            return try handle.readToEnd() ?? Data()
        } catch {
            throw KMSPluginError("The key file \(path) cannot be read: \(error)")
        }
    }

    /// Whoever may write in a socket's directory can put their own in its place.
    /// - Throws: `KMSPluginError` when that is somebody else than us.
    static func checkDirectory(of path: String) throws {
        let slash = path.lastIndex(of: "/")
        let directory = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        var status = stat()
        guard stat(directory, &status) == 0 else { throw failure(directory, "cannot be examined") }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw KMSPluginError("\(directory) is not a directory.") }
        try checkOwner(directory, status)
        guard status.st_mode & 0o022 == 0 else {
            throw KMSPluginError(
                "The socket's directory \(directory) has mode \(mode(status)), so others may replace the socket; run: chmod go-w \(directory)"
            )
        }
    }

    private static func checkOwner(_ path: String, _ status: stat) throws {
        guard status.st_uid == geteuid() else {
            throw KMSPluginError("\(path) belongs to user \(status.st_uid); it must belong to user \(geteuid()).")
        }
    }

    private static func mode(_ status: stat) -> String { "0" + String(status.st_mode & 0o777, radix: 8) }

    static func failure(_ path: String, _ what: String) -> KMSPluginError {
        KMSPluginError("\(path) \(what): \(String(cString: strerror(errno))).")
    }
}
