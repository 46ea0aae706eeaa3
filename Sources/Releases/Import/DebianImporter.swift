import FleetModel
import Foundation
import Subprocess
import Synchronization
import SystemPackage
import Timing

/// Debian's programs, brought by the project's scripts into the cache: Kubernetes built from its source package, or etcd
/// unpacked from its binary package. Both scripts do nothing when the result is there.
struct DebianImporter: ReleaseImporter {
    enum Part: Sendable {
        case kubernetes
        case etcd(suite: String)
    }

    var part: Part
    var environment: ImportEnvironment
    var time: TimeSource

    /// The version that `scripts/build-kubernetes` builds.
    static let kubernetesVersion = KubernetesVersion(major: 1, minor: 20, patch: 2)

    var summary: String {
        switch part {
        case .kubernetes: "Debian's source package kubernetes (\(Self.kubernetesVersion))"
        case .etcd(let suite): "Debian's package etcd-server (\(suite))"
        }
    }

    func files(progress: ProgressLog) async throws -> ImportedFiles {
        switch part {
        case .kubernetes:
            try await run("build-kubernetes", [], progress: progress)
            return try await directory("kubernetes/\(Self.kubernetesVersion)-debian.2", .kubernetes(nil)).files(progress: progress)
        case .etcd(let suite):
            guard suite.utf8.allSatisfy({ (97...122).contains($0) }), !suite.isEmpty else {
                throw ReleaseError(.script, "'\(suite)' is not the name of a Debian suite (bookworm, trixie, forky).")
            }
            try await run("fetch-etcd", [suite], progress: progress)
            return try await directory("etcd/\(suite)", .etcd(nil)).files(progress: progress)
        }
    }

    private func directory(_ name: String, _ part: DirectoryImporter.Part) -> DirectoryImporter {
        DirectoryImporter(directory: "\(environment.cacheDirectory)/\(name)", part: part, owned: true, time: time)
    }

    /// Runs a script and hands on each line that it prints.
    private func run(_ name: String, _ arguments: [String], progress: ProgressLog) async throws {
        guard let scripts = environment.scriptsDirectory else {
            throw ReleaseError(.script, "The project's scripts were not found near the program; set SLIPWAY_SCRIPTS to their folder.")
        }
        let path = "\(scripts)/\(name)"
        guard FileSystem.isFile(path) else { throw ReleaseError(.script, "The script \(path) is missing; see SLIPWAY_SCRIPTS.") }
        // The end of what the script printed, for the error.
        let last = Mutex<[String]>([])
        do {
            let result = try await Subprocess.run(
                .path(FilePath(path)), arguments: Arguments(arguments),
                environment: .inherit.updating(["SLIPWAY_CACHE": environment.cacheDirectory]),
                input: .none, output: .sequence, error: .combinedWithOutput
            ) { execution in
                for try await line in execution.standardOutput.strings() {
                    let text = Self.plain(line)
                    guard !text.isEmpty else { continue }
                    last.withLock { $0 = $0.suffix(19) + [text] }
                    progress.say(text)
                }
            }
            guard result.terminationStatus.isSuccess else {
                let lines = last.withLock { $0 }.joined(separator: "\n")
                throw ReleaseError(.script, "\(path) failed (\(result.terminationStatus)):\n\(lines)")
            }
        } catch let error as SubprocessError {
            throw ReleaseError(.script, "\(path) could not be run.", cause: error)
        }
    }

    /// A line without the script's own time stamp, `[  61 s] `; progress has its own.
    static func plain(_ line: String) -> String {
        let text = line.trimmingCharacters(in: .whitespacesAndNewlines)
        guard text.hasPrefix("["), let end = text.firstRange(of: " s] ") else { return text }
        return String(text[end.upperBound...])
    }
}
