import Crypto
import Foundation
import Releases
import Subprocess
import Synchronization
import Timing

/// A directory that is gone after `body`.
func withTemporaryDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("slipway-releases-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await body(path)
}

func sha256(_ text: String) -> String { SHA256.hash(data: Data(text.utf8)).map { String(format: "%02x", $0) }.joined() }

/// Programs that say which version they are and do nothing else.
enum FakePrograms {
    static func kubernetes(_ version: String, salt: String = "") -> String {
        "#!/bin/sh\n# \(salt)\necho 'Kubernetes v\(version)'\n"
    }

    static func etcd(_ version: String, salt: String = "") -> String {
        "#!/bin/sh\n# \(salt)\nprintf 'etcd Version: \(version)\\nGit SHA: 0\\n'\n"
    }

    /// Writes a set of programs; `salt` makes one set's files unlike another's, `schedulerSalt` its scheduler alone.
    static func write(
        to directory: String, kubernetes version: String = "1.30.4", etcd etcdVersion: String = "3.5.16", salt: String = "",
        schedulerSalt: String? = nil
    ) throws {
        for name in ["kube-apiserver", "kube-controller-manager"] {
            try write(kubernetes(version, salt: name + salt), to: "\(directory)/\(name)")
        }
        try write(kubernetes(version, salt: "kube-scheduler" + (schedulerSalt ?? salt)), to: "\(directory)/kube-scheduler")
        try write(etcd(etcdVersion, salt: salt), to: "\(directory)/etcd")
        try write(etcd(etcdVersion, salt: "etcdctl" + salt), to: "\(directory)/etcdctl")
    }

    static func write(_ text: String, to path: String) throws {
        let folder = (path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }

    /// A gzipped tar archive as etcd publishes it.
    static func archive(etcd version: String, in directory: String) async throws -> Data {
        let name = "etcd-v\(version)-linux-amd64"
        try write(etcd(version), to: "\(directory)/\(name)/etcd")
        try write(etcd(version, salt: "ctl"), to: "\(directory)/\(name)/etcdctl")
        try write("read me", to: "\(directory)/\(name)/Documentation/README.md")
        let result = try await run(
            .name("tar"), arguments: ["-czf", "\(directory)/\(name).tar.gz", "-C", directory, name], output: .discarded,
            error: .string(limit: 4096))
        guard result.terminationStatus.isSuccess else { throw FixtureError(message: result.standardError) }
        return try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name).tar.gz"))
    }
}

struct FixtureError: Error {
    var message: String
}

/// Collects progress lines.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }
    var handler: ReleaseProgressHandler { { [self] progress in lines.withLock { $0.append(progress.text) } } }
}

extension TimeSource {
    /// The system's time, two days later: a file that was written just now looks old.
    static let daysLater = TimeSource(
        wall: { TimeSource.system.now.addingTimeInterval(2 * 86_400) }, monotonic: { TimeSource.system.uptime },
        sleep: { try await TimeSource.system.sleep(for: $0) })
}

/// The `ReleaseError` that `body` throws; an error of the test when it throws none.
func releaseError<Result>(_ body: () async throws -> Result) async throws -> ReleaseError {
    do {
        _ = try await body()
    } catch let error as ReleaseError {
        return error
    }
    throw FixtureError(message: "no error was thrown")
}
