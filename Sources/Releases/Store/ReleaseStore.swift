import FleetModel
import Timing
import Yams

/// Releases on disk: a manifest `ID.yaml` each, and their files under `artifacts/SHA256/NAME`. Several processes may use one
/// directory at once.
public final class ReleaseStore: ReleaseCatalog {
    public let directory: String
    let time: TimeSource
    let files: ArtifactFiles

    /// - Parameter directory: is made when something is first imported.
    public init(directory: String, time: TimeSource = .system) {
        self.directory = directory
        self.time = time
        self.files = ArtifactFiles(directory: directory + "/artifacts", time: time)
    }

    /// Newest Kubernetes version and platform version first.
    /// - Throws: `ReleaseError` (`invalidManifest`, `fileSystem`) naming the file.
    public func releases() async throws -> [Release] { try read() }

    /// What can be read of the releases, newest first, and what is wrong with the others: one broken manifest must not keep clusters
    /// of other releases from being worked.
    /// - Throws: `ReleaseError` (`fileSystem`).
    public func readable() throws -> (releases: [Release], problems: [ReleaseError]) {
        var found: [Release] = []
        var problems: [ReleaseError] = []
        for path in try manifestPaths() {
            do { found.append(try manifest(path)) } catch let error as ReleaseError { problems.append(error) }
        }
        return (Self.sorted(found), problems)
    }

    /// - Throws: `ReleaseError` (`notFound`) naming the releases that there are.
    public func require(_ id: ReleaseID) throws -> Release {
        let all = try read()
        guard let found = all.first(where: { $0.id == id }) else {
            let known = all.isEmpty ? "none is imported" : "known: " + all.map(\.id.rawValue).joined(separator: ", ")
            throw ReleaseError(.notFound, "There is no release '\(id)' in \(directory) (\(known)).")
        }
        return found
    }

    /// Where an artifact's file is; whether it is there and good is not looked at.
    public func path(of artifact: Artifact) -> String { files.path(of: artifact) }

    /// Where an artifact's file is, after its content was found to be what the digest says. A file that was found good is
    /// hashed again only when its inode, size or times have changed.
    /// - Throws: `ReleaseError` (`missingFile`, `digestMismatch`) naming the file, the expected and the found digest.
    public func verifiedPath(of artifact: Artifact) throws -> String { try files.verified(artifact) }

    /// Hashes every file of a release again.
    /// - Returns: what is wrong; nothing when all is well.
    public func verify(_ id: ReleaseID) async throws -> [ArtifactProblem] { problems(of: try require(id)) }

    /// Hashes every file of a release again.
    public func problems(of release: Release) -> [ArtifactProblem] {
        var problems: [ArtifactProblem] = []
        for artifact in release.artifacts {
            do throws(ReleaseError) {
                try files.verified(artifact, afresh: true)
            } catch {
                problems.append(ArtifactProblem(artifact: artifact, error: error))
            }
        }
        return problems
    }

    /// Takes in one file that belongs to no release, such as Slipway's own program.
    public func importFile(_ path: String, name: String) throws -> Artifact {
        try Self.check(name: name, of: path)
        return try files.add(path, name: name, linking: false)
    }

    /// Removes a release and those of its files that no other release has.
    /// - Parameter inUse: the releases that clusters run.
    /// - Throws: `ReleaseError` (`inUse`, `notFound`).
    public func remove(_ id: ReleaseID, inUse: Set<ReleaseID>) async throws {
        try await locked {
            let release = try require(id)
            guard !inUse.contains(id) else {
                throw ReleaseError(.inUse, "Release \(id) is in use by a cluster; update or delete its clusters first.")
            }
            try FileSystem.remove(manifestPath(id))
            try FileSystem.synchronize(directory)
            let kept = Set(try read().flatMap(\.artifacts))
            for artifact in release.artifacts where !kept.contains(artifact) { try files.remove(artifact) }
        }
    }

    /// Excludes all other changes to this directory, of any process, during `body`.
    func locked<Result>(_ body: () async throws -> Result) async throws -> Result {
        try FileSystem.createDirectory(directory)
        return try await FileLock.hold(directory + "/.lock", time: time, body)
    }

    func manifestPath(_ id: ReleaseID) -> String { "\(directory)/\(id.rawValue).yaml" }

    func read() throws -> [Release] { Self.sorted(try manifestPaths().map { try manifest($0) }) }

    private func manifestPaths() throws -> [String] {
        try FileSystem.names(in: directory).filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }.map { "\(directory)/\($0)" }
    }

    private static func sorted(_ releases: [Release]) -> [Release] {
        releases.sorted { ($0.kubernetesVersion, $0.platformVersion) > ($1.kubernetesVersion, $1.platformVersion) }
    }

    private func manifest(_ path: String) throws -> Release {
        let release: Release
        do {
            release = try YAMLDecoder().decode(Release.self, from: FileSystem.readText(path))
        } catch {
            throw ReleaseError(
                .invalidManifest,
                "\(path) is not a release manifest: \(Self.why(error)). Remove the file and import the release again: slipway release import"
            )
        }
        guard manifestPath(release.id) == path else {
            throw ReleaseError(.invalidManifest, "\(path) describes release '\(release.id)'; its file must have that name.")
        }
        for artifact in release.artifacts {
            try Self.check(name: artifact.name, of: path)
            guard FileDigest.isDigest(artifact.sha256) else {
                throw ReleaseError(.invalidManifest, "\(path): the digest of '\(artifact.name)' is not 64 lower-case hexadecimal digits.")
            }
        }
        return release
    }

    /// In one line.
    private static func why(_ error: any Error) -> String {
        let text: String =
            switch error {
            case DecodingError.keyNotFound(let key, _): "'\(key.stringValue)' is missing"
            case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
                "'\(context.codingPath.map(\.stringValue).joined(separator: "."))': \(context.debugDescription)"
            case DecodingError.dataCorrupted(let context): context.underlyingError.map { "\($0)" } ?? context.debugDescription
            default: "\(error)"
            }
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.hasSuffix(".") ? String(line.dropLast()) : line
    }

    func write(_ release: Release) throws {
        let encoder = YAMLEncoder()
        encoder.options.sortKeys = true
        try FileSystem.writeAtomically(try encoder.encode(release), to: manifestPath(release.id))
    }

    /// A name becomes part of a path: it must stay in its directory.
    static func check(name: String, of path: String) throws(ReleaseError) {
        guard !name.isEmpty, !name.hasPrefix("."), !name.contains("/"), !name.contains("\0") else {
            throw ReleaseError(.invalidManifest, "\(path): '\(name)' is not the name of a program.")
        }
    }
}

/// Why an artifact of a release cannot be used.
public struct ArtifactProblem: Sendable, CustomStringConvertible {
    public var artifact: Artifact
    /// `missingFile`, `digestMismatch` or `fileSystem`; its message names the file and the digests.
    public var error: ReleaseError

    public init(artifact: Artifact, error: ReleaseError) {
        self.artifact = artifact
        self.error = error
    }

    public var description: String { error.description }
}
