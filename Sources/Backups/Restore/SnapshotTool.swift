import Foundation
import Subprocess
import SystemPackage

/// etcd's tool for snapshot files.
public struct SnapshotTool: Sendable {
    let path: String
    /// Else it is `etcdctl`.
    let isEtcdutl: Bool

    /// What the tool says of a snapshot file.
    public struct Status: Codable, Hashable, Sendable {
        public var hash: UInt32
        public var revision: Int64
        /// Entries of the key space, old revisions included.
        public var totalKey: Int64
    }

    /// - Throws: `BackupError` (`tool`) with what it said.
    public func status(of snapshot: String) async throws -> Status {
        let text = try await run(["snapshot", "status", snapshot, "--write-out=json"])
        guard let status = try? JSONDecoder().decode(Status.self, from: Data(text.utf8)) else {
            throw BackupError(.tool, "\(path) snapshot status said what cannot be read: \(text.prefix(300))")
        }
        return status
    }

    /// Whether a restored revision can be raised, so that watches begun before end instead of missing what happened.
    var canRaiseRevision: Bool {
        get async throws { try await run(["snapshot", "restore", "--help"]).contains("--bump-revision") }
    }

    @discardableResult
    func run(_ arguments: [String]) async throws -> String {
        var options = PlatformOptions()
        options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .milliseconds(500))]
        do {
            let result = try await Subprocess.run(
                .path(FilePath(path)), arguments: Arguments(arguments),
                environment: .custom(["ETCDCTL_API": "3", "PATH": "/usr/bin:/bin"]),
                platformOptions: options, input: .none, output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            try Task.checkCancellation()
            guard result.terminationStatus.isSuccess else {
                let said = result.standardError.split(separator: "\n").last { $0.contains("rror") } ?? result.standardError.suffix(500)
                throw BackupError(
                    .tool, "\(path) \(arguments.prefix(2).joined(separator: " ")) failed: \(said.suffix(500)) (\(result.terminationStatus))"
                )
            }
            return result.standardOutput
        } catch let error as SubprocessError {
            throw BackupError(.tool, "\(path) could not be run.", cause: error)
        }
    }
}
