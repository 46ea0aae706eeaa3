import FleetModel
import Timing

/// Programs that lie in a directory.
struct DirectoryImporter: ReleaseImporter {
    enum Part: Sendable {
        case kubernetes(KubernetesVersion?)
        case etcd(String?)
    }

    var directory: String
    var part: Part
    /// Whether the directory is our own cache.
    var owned = false
    var time: TimeSource

    var summary: String { directory }

    func files(progress: ProgressLog) async throws -> ImportedFiles {
        let found: [ImportedFiles.File]
        let version: String
        switch part {
        case .kubernetes(let given):
            found = try Programs.kubernetes.map(file)
            version = try await kubernetesVersion(of: found, given: given).description
        case .etcd(let given):
            found =
                try Programs.etcd.map(file)
                + Programs.etcdExtras.filter { FileSystem.isFile("\(directory)/\($0)") }.map(file)
            version = try await etcdVersion(given: given)
        }
        try checkDigests(of: found)
        return ImportedFiles(version: version, files: found, owned: owned)
    }

    private func file(_ name: String) throws -> ImportedFiles.File {
        let path = "\(directory)/\(name)"
        guard FileSystem.isFile(path) else {
            throw ReleaseError(.missingFile, "\(directory) has no file '\(name)'.")
        }
        return ImportedFiles.File(name: name, path: path)
    }

    private func kubernetesVersion(of files: [ImportedFiles.File], given: KubernetesVersion?) async throws -> KubernetesVersion {
        if let given {
            guard given.patch != nil else { throw ReleaseError(.version, "Kubernetes version '\(given)' must be whole, as in 1.33.4.") }
            return given
        }
        var first: (path: String, version: KubernetesVersion)?
        for file in files {
            let version = try await ProgramVersion.kubernetes(file.path, time: time)
            if let first, first.version != version {
                throw ReleaseError(.version, "\(file.path) is version \(version), but \(first.path) is \(first.version).")
            }
            first = first ?? (file.path, version)
        }
        guard let first else { throw ReleaseError(.missingFile, "\(directory) has no Kubernetes programs.") }
        return first.version
    }

    private func etcdVersion(given: String?) async throws -> String {
        guard let given else { return try await ProgramVersion.etcd("\(directory)/etcd", time: time) }
        guard ProgramVersion.isEtcdVersion(given) else {
            throw ReleaseError(.version, "etcd version '\(given)' must be written as 3.5.16.")
        }
        return given
    }

    /// Where the directory has a list `SHA256SUMS`, the files must be what it says.
    private func checkDigests(of files: [ImportedFiles.File]) throws {
        let list = "\(directory)/SHA256SUMS"
        guard FileSystem.isFile(list) else { return }
        let expected = DigestList(try FileSystem.readText(list))
        for file in files {
            guard let digest = expected[file.name] else { continue }
            let found = try FileDigest.sha256(of: file.path).sha256
            guard found == digest else {
                throw ReleaseError(
                    .digestMismatch,
                    "\(file.path) was changed: expected SHA-256 \(digest) (\(list)), found \(found). Remove \(directory) and import again.")
            }
        }
    }
}

/// A list of digests as `sha256sum` writes it: a digest, two signs, and a file name on each line.
struct DigestList: Sendable {
    private var digests: [String: String] = [:]

    init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(maxSplits: 1, whereSeparator: \.isWhitespace)
            guard parts.count == 2, FileDigest.isDigest(parts[0].lowercased()) else { continue }
            let name = parts[1].drop { $0 == " " || $0 == "*" }
            digests[String(name)] = parts[0].lowercased()
        }
    }

    subscript(name: String) -> String? { digests[name] }
}
