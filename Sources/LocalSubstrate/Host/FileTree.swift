import Foundation
import Glibc
import Substrate

/// File operations that throw `SubstrateError` and say the path.
enum FileTree {
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Names in a directory, sorted; none when it is not there.
    static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    static func makeDirectory(_ path: String, mode: mode_t = 0o700) throws {
        if mkdir(path, mode) == 0 { return }
        let code = errno
        switch code {
        case EEXIST where isDirectory(path): return
        case ENOENT:
            let parent = (path as NSString).deletingLastPathComponent
            guard parent != path, !parent.isEmpty else { throw failure("make the directory", path, code) }
            try makeDirectory(parent, mode: mode)
            guard mkdir(path, mode) == 0 || isDirectory(path) else { throw failure("make the directory", path, errno) }
        default: throw failure("make the directory", path, code)
        }
    }

    /// The bytes of a small file, or nil when it cannot be read.
    static func read(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = Glibc.read(file, &chunk, chunk.count)
            if count < 0 {
                if errno == EINTR { continue }
                return nil
            }
            if count == 0 { return bytes }
            bytes.append(contentsOf: chunk[0..<count])
        }
    }

    /// The last bytes of a file, or nil when it cannot be read.
    static func tail(_ path: String, bytes: Int) -> String? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let size = Int(lseek(file, 0, SEEK_END))
        var chunk = [UInt8](repeating: 0, count: bytes)
        let count = pread(file, &chunk, bytes, off_t(max(0, size - bytes)))
        return count >= 0 ? String(decoding: chunk[0..<count], as: UTF8.self) : nil
    }

    static func text(_ path: String) -> String? {
        read(path).map { String(decoding: $0, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines) }
    }

    /// Writes to a new name beside `path`, then renames: a reader sees the old content or the new one.
    static func replace(_ path: String, _ content: String, mode: UInt16 = 0o600, durably: Bool = false) throws {
        let temporary = "\(path).new"
        unlink(temporary)
        try write(temporary, content, mode: mode, durably: durably)
        guard rename(temporary, path) == 0 else {
            let code = errno
            unlink(temporary)
            throw failure("write", path, code)
        }
    }

    /// Writes in place; `O_TRUNC`, as kernel interfaces want it.
    static func write(_ path: String, _ content: String, mode: UInt16 = 0o600, durably: Bool = false) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode_t(mode))
        guard file >= 0 else { throw failure("write", path, errno) }
        defer { close(file) }
        fchmod(file, mode_t(mode))
        var bytes = Array(content.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("write", path, errno)
            }
            bytes = bytes.dropFirst(count)
        }
        if durably, fsync(file) != 0 { throw failure("write", path, errno) }
    }

    /// What `stat -L -c '%i %s %.9Y %.9Z'` prints: changes whenever the file's content does. Nil for a file that is not there, and for
    /// one that was changed within the last second, whose times could stay the same over one more change.
    /// - Parameter now: seconds since 1970.
    static func fingerprint(_ path: String, now: Double) -> String? {
        var status = stat()
        guard stat(path, &status) == 0, now - Double(status.st_ctim.tv_sec) > 2 else { return nil }
        func text(_ time: timespec) -> String {
            let fraction = String(time.tv_nsec)
            return "\(time.tv_sec).\(String(repeating: "0", count: 9 - fraction.count))\(fraction)"
        }
        return "\(status.st_ino) \(status.st_size) \(text(status.st_mtim)) \(text(status.st_ctim))"
    }

    /// In bytes; nil for a file that is not there.
    static func size(_ path: String) -> Int? {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : nil
    }

    static func move(_ from: String, to: String) throws {
        guard rename(from, to) == 0 else { throw failure("rename \(from) to", to, errno) }
    }

    static func link(_ path: String, to target: String) throws {
        unlink(path)
        guard symlink(target, path) == 0 else { throw failure("make the link", path, errno) }
    }

    /// What a symbolic link says; nil for what is none.
    static func target(of path: String) -> String? { try? FileManager.default.destinationOfSymbolicLink(atPath: path) }

    /// Removes a tree, or nothing when it is not there.
    static func remove(_ path: String) throws {
        guard exists(path) else { return }
        if !isDirectory(path) || isSymbolicLink(path) {
            guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path, errno) }
            return
        }
        for name in names(in: path) { try remove("\(path)/\(name)") }
        guard rmdir(path) == 0 || errno == ENOENT else { throw failure("remove", path, errno) }
    }

    /// Removes a directory when it is empty.
    static func removeIfEmpty(_ path: String) { rmdir(path) }

    static func synchronize(directory path: String) {
        let file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { return }
        fsync(file)
        close(file)
    }

    private static func isSymbolicLink(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK
    }

    static func failure(_ verb: String, _ path: String, _ code: Int32) -> SubstrateError {
        let reason = String(cString: strerror(code))
        switch code {
        case ENOSPC, EDQUOT: return SubstrateError(.noSpace, "Could not \(verb) \(path): \(reason). Free some space there.")
        case EPERM, EACCES, EROFS: return SubstrateError(.permission, "Could not \(verb) \(path): \(reason).")
        default: return SubstrateError(.failed, "Could not \(verb) \(path): \(reason).")
        }
    }
}
