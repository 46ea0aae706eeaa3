import FleetModel
import Foundation
import Subprocess
import SystemPackage
import Timing

/// What a program answers to `--version`.
enum ProgramVersion {
    /// - Returns: as `1.20.2`, without the additions of some builders (`v1.33.1-eks-1a2b3c4`).
    static func kubernetes(_ path: String, time: TimeSource) async throws -> KubernetesVersion {
        let text = try await output(of: path, time: time)
        // kube-apiserver: `Kubernetes v1.20.2`.
        guard let word = text.split(whereSeparator: \.isWhitespace).dropFirst().first, text.hasPrefix("Kubernetes v"),
            let version = try? KubernetesVersion(String(word.prefix { $0 != "-" && $0 != "+" })), version.patch != nil
        else {
            throw ReleaseError(.version, "\(path) --version says '\(text.prefix(200))', expected 'Kubernetes v1.33.4'; give the version.")
        }
        return version
    }

    /// - Returns: as `3.5.16`.
    static func etcd(_ path: String, time: TimeSource) async throws -> String {
        let text = try await output(of: path, time: time)
        // etcd: `etcd Version: 3.5.16` and more lines.
        guard let line = text.split(separator: "\n").first, line.hasPrefix("etcd Version: "),
            let version = line.split(separator: " ").last.map(String.init), isEtcdVersion(version)
        else {
            throw ReleaseError(.version, "\(path) --version says '\(text.prefix(200))', expected 'etcd Version: 3.5.16'; give the version.")
        }
        return version
    }

    static func isEtcdVersion(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 3 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }
    }

    private static func output(of path: String, time: TimeSource) async throws -> String {
        do {
            let text = try await withThrowingTaskGroup(of: String?.self) { group in
                group.addTask { try await run(path, time: time) }
                group.addTask {
                    try await time.sleep(for: .seconds(30))
                    return nil
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
            guard let text else { throw ReleaseError(.version, "\(path) --version does not end within 30 s.") }
            return text.trimmingCharacters(in: .whitespacesAndNewlines)
        } catch let error as ReleaseError {
            throw error
        } catch let error as SubprocessError {
            throw ReleaseError(
                .version, "\(path) cannot be run here; is it made for this machine (\(ImportEnvironment.machineArchitecture))?",
                cause: error)
        }
    }

    private static func run(_ path: String, time: TimeSource) async throws -> String {
        var attempt = 1
        while true {
            do {
                return try await Subprocess.run(
                    .path(FilePath(path)), arguments: ["--version"], output: .string(limit: 1 << 16), error: .discarded
                ).standardOutput
            } catch let error as SubprocessError where error.underlyingError == .textFileBusy && attempt < 20 {
                // A process that is being started elsewhere in this program still holds the file open for writing.
                attempt += 1
                try await time.sleep(for: .milliseconds(50))
            }
        }
    }
}
