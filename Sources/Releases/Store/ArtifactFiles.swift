import FleetModel
import Foundation
import Glibc
import Synchronization
import Timing

/// Files by their content: `DIRECTORY/SHA256/NAME`, executable, never changed once they have their name.
final class ArtifactFiles: Sendable {
    /// Files on their way in.
    private static let passingPrefix = ".incoming-"

    let directory: String
    private let time: TimeSource
    /// Files that were found good, as they were then.
    private let good = Mutex<[String: FileSystem.Fingerprint]>([:])
    /// Held while a file is hashed: many components that start at once wait for one hash instead of each making it.
    private let hashing = Mutex<Void>(())

    init(directory: String, time: TimeSource) {
        self.directory = directory
        self.time = time
    }

    func path(of artifact: Artifact) -> String { "\(directory)/\(artifact.sha256)/\(artifact.name)" }

    /// Takes a file in under `name`.
    /// - Parameter linking: whether the store may share the file (a hard link) instead of copying it.
    func add(_ source: String, name: String, linking: Bool) throws(ReleaseError) -> Artifact {
        try FileSystem.createDirectory(directory)
        let passing = "\(directory)/\(Self.passingPrefix)\(UUID().uuidString)"
        defer { unlink(passing) }
        let digest: FileDigest.Result
        if linking, link(source, passing) == 0 {
            digest = try FileDigest.sha256(of: passing)
        } else {
            digest = try FileDigest.copy(source, to: passing)
        }
        let artifact = Artifact(name: name, sha256: digest.sha256, size: digest.size)
        let path = path(of: artifact)
        // One that is there and good stays; one that was damaged is replaced.
        if FileSystem.isFile(path), (try? verified(artifact)) != nil { return artifact }
        try FileSystem.createDirectory("\(directory)/\(artifact.sha256)")
        try FileSystem.publish(passing, as: path, mode: 0o755)
        try FileSystem.synchronize(directory)
        return artifact
    }

    /// The file's path, once its content is known to be what the artifact's digest says.
    /// - Throws: `ReleaseError` (`missingFile`, `digestMismatch`, `fileSystem`).
    @discardableResult
    func verified(_ artifact: Artifact, afresh: Bool = false) throws(ReleaseError) -> String {
        let path = path(of: artifact)
        guard FileSystem.isFile(path) else {
            throw ReleaseError(.missingFile, "\(path) is missing; import the release again.")
        }
        if !afresh, try isKnownGood(path) { return path }
        try hashing.withLock { _ throws(ReleaseError) in
            if !afresh, try isKnownGood(path) { return }
            try hash(path, of: artifact)
        }
        return path
    }

    private func isKnownGood(_ path: String) throws(ReleaseError) -> Bool {
        let now = try FileSystem.fingerprint(path)
        return good.withLock { $0[path] == now }
    }

    private func hash(_ path: String, of artifact: Artifact) throws(ReleaseError) {
        let before = try FileSystem.fingerprint(path)
        let found = try FileDigest.sha256(of: path)
        guard found.sha256 == artifact.sha256 else {
            good.withLock { $0[path] = nil }
            throw ReleaseError(
                .digestMismatch,
                "\(path) was changed: expected SHA-256 \(artifact.sha256), found \(found.sha256). It is not started; import the release again."
            )
        }
        // The kernel's change time advances in steps of some milliseconds: a file that was changed just now could change once
        // more without showing it, so only older files are remembered.
        let age = time.now.timeIntervalSince1970 * 1e9 - Double(before.changed)
        if age > 1e9, try FileSystem.fingerprint(path) == before { good.withLock { $0[path] = before } }
    }

    func removeLeftovers() throws(ReleaseError) {
        try FileSystem.removeLeftovers(in: directory, prefix: Self.passingPrefix, now: time.now)
    }

    func remove(_ artifact: Artifact) throws(ReleaseError) {
        let path = path(of: artifact)
        try FileSystem.remove(path)
        // Another program with the same content may share the directory.
        rmdir("\(directory)/\(artifact.sha256)")
    }
}
