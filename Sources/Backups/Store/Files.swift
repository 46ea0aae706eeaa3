import Dispatch
import Glibc

/// A plain file's bytes in pieces, read off the threads that run tasks. Memory holds one piece.
final class FileReader: Sendable {
    let path: String
    private let descriptor: Int32

    static let pieceSize = 1 << 20

    /// - Throws: `BackupError`: `notFound`, `storage`.
    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw errno == ENOENT ? BackupError(.notFound, "There is no file \(path).") : Files.failure("read", path)
        }
    }

    deinit { close(descriptor) }

    var stream: ByteStream { ByteStream { [self] in try await Files.blocking { try self.next() } } }

    private func next() throws -> [UInt8]? {
        var piece = [UInt8](repeating: 0, count: Self.pieceSize)
        var count = 0
        while count < piece.count {
            let got = piece[count...].withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw Files.failure("read", path) }
            if got == 0 { break }
            count += got
        }
        return count == 0 ? nil : Array(piece.prefix(count))
    }
}

/// A new file, written in pieces. What is not finished is removed.
final class FileWriter: Sendable {
    let path: String
    private let descriptor: Int32

    /// Only its owner may read it.
    /// - Throws: `BackupError` (`storage`).
    init(_ path: String) throws {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Files.failure("make", path) }
    }

    deinit { close(descriptor) }

    func write(_ bytes: [UInt8]) async throws {
        try await Files.blocking { [self] in
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { throw Files.failure("write", path) }
                sent += count
            }
        }
    }

    /// Returns when the bytes are on the disk.
    func synchronize() async throws {
        try await Files.blocking { [self] in
            guard fsync(descriptor) == 0 else { throw Files.failure("write", path) }
        }
    }
}

/// What backups need of a file system.
enum Files {
    static func blocking<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(with: Result(catching: work)) }
        }
    }

    static func failure(_ verb: String, _ path: String) -> BackupError {
        let reason = String(cString: strerror(errno))
        return BackupError(.storage, "Could not \(verb) \(path): \(reason).")
    }

    /// - Throws: `BackupError` (`storage`).
    static func makeDirectory(_ path: String) throws {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/\(part)"
            guard mkdir(made, 0o700) == 0 || errno == EEXIST else { throw failure("make the directory", made) }
        }
    }

    static func synchronize(directory path: String) throws {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("write", path) }
    }

    static func move(_ from: String, to: String) throws {
        guard rename(from, to) == 0 else { throw failure("move \(from) to", to) }
    }

    /// Empty when there is no such directory.
    static func names(in path: String) throws -> [String] {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return [] }
            throw failure("list", path)
        }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Nil when there is nothing.
    static func status(_ path: String) -> (isDirectory: Bool, size: Int64, modified: Int)? {
        var status = stat()
        guard lstat(path, &status) == 0 else { return nil }
        return (status.st_mode & S_IFMT == S_IFDIR, Int64(status.st_size), status.st_mtim.tv_sec)
    }

    /// With all that is in it; fine when there is nothing.
    static func remove(_ path: String) throws {
        guard let status = status(path) else { return }
        if status.isDirectory {
            for name in try names(in: path) { try remove("\(path)/\(name)") }
            guard rmdir(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
        } else {
            guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
        }
    }

    /// Written apart, synchronised, and moved into place.
    static func replace(_ path: String, _ bytes: [UInt8]) throws {
        let temporary = "\(path).part"
        unlink(temporary)
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("make", temporary) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else { throw failure("write", temporary) }
        try move(temporary, to: path)
        try synchronize(directory: String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
    }

    /// The content of a small file; nil when there is none.
    static func text(_ path: String) -> [UInt8]? {
        guard let status = status(path), !status.isDirectory, status.size <= 1 << 20 else { return nil }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Int(status.size))
        let count = read(descriptor, &bytes, bytes.count)
        return count < 0 ? nil : Array(bytes.prefix(count))
    }
}
