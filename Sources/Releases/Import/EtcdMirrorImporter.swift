import FleetModel
import Foundation
import Subprocess
import SystemPackage
import Timing

/// etcd from a site laid out like its releases: `BASE/v3.5.16/etcd-v3.5.16-linux-amd64.tar.gz` and `SHA256SUMS`.
struct EtcdMirrorImporter: ReleaseImporter {
    var base: String
    var version: String
    var architecture: String
    var downloads: Downloads

    var summary: String { "\(base) (etcd v\(version))" }

    /// The file whose presence says that the site can be reached and has this version.
    var probe: String { "\(base)/v\(version)/SHA256SUMS" }

    func files(progress: ProgressLog) async throws -> ImportedFiles {
        guard ProgramVersion.isEtcdVersion(version) else {
            throw ReleaseError(.version, "etcd version '\(version)' must be written as 3.5.16.")
        }
        let name = "etcd-v\(version)-linux-\(architecture).tar.gz"
        guard let digest = DigestList(try await downloads.text(probe))[name] else {
            throw ReleaseError(.download, "\(probe) has no digest of \(name).")
        }
        let archive = try await downloads.file("\(base)/v\(version)/\(name)", sha256: digest, progress: progress)
        try FileSystem.removeLeftovers(in: downloads.directory, prefix: ".unpacked-", now: downloads.time.now)
        let folder = "\(downloads.directory)/.unpacked-\(UUID().uuidString)"
        try FileSystem.createDirectory(folder)
        do {
            return try await unpack(archive, into: folder)
        } catch {
            try FileSystem.remove(folder)
            throw error
        }
    }

    private func unpack(_ archive: String, into folder: String) async throws -> ImportedFiles {
        let result: ExecutionResult<Void, DiscardedOutput, StringOutput<UTF8>>
        do {
            result = try await Subprocess.run(
                .name("tar"), arguments: ["-xzf", archive, "-C", folder, "--strip-components=1", "--no-same-owner"],
                output: .discarded, error: .string(limit: 1 << 16))
        } catch let error as SubprocessError {
            throw ReleaseError(.download, "tar could not unpack \(archive).", cause: error)
        }
        guard result.terminationStatus.isSuccess else {
            throw ReleaseError(.download, "tar could not unpack \(archive): \(result.standardError)")
        }
        let names = (Programs.etcd + Programs.etcdExtras).filter { FileSystem.isFile("\(folder)/\($0)") }
        guard names.contains("etcd") else { throw ReleaseError(.missingFile, "\(archive) has no program 'etcd'.") }
        return ImportedFiles(
            version: version, files: names.map { ImportedFiles.File(name: $0, path: "\(folder)/\($0)") }, owned: true,
            passingDirectory: folder)
    }
}
