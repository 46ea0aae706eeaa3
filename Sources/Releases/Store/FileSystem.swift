import Foundation
import Glibc

/// The few file operations that must be exact: what is written is on disk before it gets its name, and never seen half.
enum FileSystem {
    /// What tells whether a file may have changed since it was looked at. The change time is set by the kernel at every write
    /// and cannot be set back by a program.
    struct Fingerprint: Hashable, Sendable {
        var device: UInt64
        var inode: UInt64
        var size: Int64
        var modified: Int64
        /// Nanoseconds since 1970.
        var changed: Int64
    }

    static func fingerprint(_ path: String) throws(ReleaseError) -> Fingerprint {
        var status = stat()
        guard stat(path, &status) == 0 else { throw failure("read", path) }
        return Fingerprint(
            device: UInt64(status.st_dev), inode: UInt64(status.st_ino), size: Int64(status.st_size),
            modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec),
            changed: Int64(status.st_ctim.tv_sec) * 1_000_000_000 + Int64(status.st_ctim.tv_nsec))
    }

    static func isFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && (status.st_mode & S_IFMT) == S_IFREG
    }

    static func createDirectory(_ path: String) throws(ReleaseError) {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        } catch {
            throw ReleaseError(.fileSystem, "Cannot create the directory \(path).", cause: error)
        }
    }

    /// Names in a directory, sorted; none when it does not exist.
    static func names(in directory: String) throws(ReleaseError) -> [String] {
        guard FileManager.default.fileExists(atPath: directory) else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        } catch {
            throw ReleaseError(.fileSystem, "Cannot list the directory \(directory).", cause: error)
        }
    }

    static func readText(_ path: String) throws(ReleaseError) -> String {
        do {
            return try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw ReleaseError(.fileSystem, "Cannot read \(path).", cause: error)
        }
    }

    /// Removes a file or a directory with all in it; it is no error when it is not there.
    static func remove(_ path: String) throws(ReleaseError) {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            var status = stat()
            if lstat(path, &status) != 0, errno == ENOENT { return }
            throw ReleaseError(.fileSystem, "Cannot remove \(path).", cause: error)
        }
    }

    /// Removes what imports that were killed have left: entries with that prefix that nobody has changed for an hour.
    static func removeLeftovers(in directory: String, prefix: String, now: Date) throws(ReleaseError) {
        for name in try names(in: directory) where name.hasPrefix(prefix) {
            let path = "\(directory)/\(name)"
            // One that is gone meanwhile was still in use, or somebody else was faster.
            guard let found = try? fingerprint(path), now.timeIntervalSince1970 * 1e9 - Double(found.changed) > 3600e9 else { continue }
            try remove(path)
        }
    }

    /// Writes `text` under a passing name in the same directory, then renames: readers see the old file or the new one.
    static func writeAtomically(_ text: String, to path: String) throws(ReleaseError) {
        let passing = path + ".new-" + UUID().uuidString
        do {
            try Data(text.utf8).write(to: URL(fileURLWithPath: passing))
        } catch {
            unlink(passing)
            throw ReleaseError(.fileSystem, "Cannot write \(passing).", cause: error)
        }
        try publish(passing, as: path, mode: 0o644)
    }

    /// Makes a finished file durable and gives it its name.
    static func publish(_ passing: String, as path: String, mode: mode_t) throws(ReleaseError) {
        guard chmod(passing, mode) == 0 else { throw failure("set the mode of", passing) }
        try synchronize(passing)
        guard rename(passing, path) == 0 else { throw failure("rename \(passing) to", path) }
        try synchronize((path as NSString).deletingLastPathComponent)
    }

    /// Waits until a file or a directory is on disk.
    static func synchronize(_ path: String) throws(ReleaseError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("write", path) }
    }

    /// An error that says what could not be done with which file, and why the kernel refused.
    static func failure(_ verb: String, _ path: String, errno code: Int32 = errno) -> ReleaseError {
        ReleaseError(.fileSystem, "Cannot \(verb) \(path): \(String(cString: strerror(code))).")
    }
}
