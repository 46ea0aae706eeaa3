import Glibc

/// A Unix socket that only we can connect to.
enum PluginSocket {
    /// Longest path that the kernel takes, without the final zero.
    static let longestPath = 107

    /// Binds and listens; a socket of an earlier life is replaced.
    /// - Returns: the descriptor, which its taker closes.
    /// - Throws: `KMSPluginError`.
    static func listen(_ path: String) throws -> Int32 {
        try PrivateFile.checkDirectory(of: path)
        guard (1...longestPath).contains(path.utf8.count) else {
            throw KMSPluginError("The socket's path '\(path)' must have 1 to \(longestPath) bytes.")
        }
        try removeStale(path)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw PrivateFile.failure(path, "cannot be made") }
        do {
            // Before it gets its name: Linux gives the file the mode of the socket, so that there is no moment in which it is open to all.
            guard fchmod(descriptor, 0o600) == 0 else { throw PrivateFile.failure(path, "cannot be protected") }
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
            let length = socklen_t(MemoryLayout<sockaddr_un>.size)
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
            }
            guard bound == 0 else { throw PrivateFile.failure(path, "cannot be bound") }
            guard Glibc.listen(descriptor, 128) == 0 else { throw PrivateFile.failure(path, "cannot be listened on") }
            var status = stat()
            guard lstat(path, &status) == 0, status.st_mode & 0o077 == 0 else {
                throw KMSPluginError("The socket \(path) is open to others although it should not be.")
            }
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Only ever a socket: what else has the name is somebody's mistake and stays.
    private static func removeStale(_ path: String) throws {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw KMSPluginError("\(path) exists and is not a socket.") }
        guard unlink(path) == 0 || errno == ENOENT else { throw PrivateFile.failure(path, "cannot be replaced") }
    }
}
