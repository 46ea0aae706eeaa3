import FleetModel
import Foundation

/// Finds a release's programs, their content checked.
public protocol ProgramLocating: Sendable {
    /// - Throws: when the file is missing or not what its digest says.
    func verifiedPath(of artifact: Artifact) throws -> String
}

/// etcd's own programs, out of the releases of this region.
public struct EtcdPrograms: Sendable {
    let catalog: any ReleaseCatalog
    let programs: any ProgramLocating

    public init(catalog: any ReleaseCatalog, programs: any ProgramLocating) {
        self.catalog = catalog
        self.programs = programs
    }

    /// What reads and restores snapshots of an etcd of this version: `etcdutl` (3.5 and later), else `etcdctl`.
    ///
    /// Of the same minor version, and of those the newest; a release that was imported without the tool is passed over.
    /// - Throws: `BackupError` (`tool`).
    public func snapshotTool(for version: String) async throws -> SnapshotTool {
        let candidates = try await releases(for: version)
        for name in ["etcdutl", "etcdctl"] {
            for release in candidates {
                guard let artifact = try? release.artifact(name) else { continue }
                return SnapshotTool(path: try await path(artifact), isEtcdutl: name == "etcdutl")
            }
        }
        throw BackupError(
            .tool,
            "No release of this region has etcdutl or etcdctl for etcd \(version); import one again from a source that has it (slipway release import)."
        )
    }

    /// An etcd that reads what one of this version wrote.
    /// - Throws: `BackupError` (`tool`).
    func server(for version: String) async throws -> String {
        guard let artifact = try await releases(for: version).lazy.compactMap({ try? $0.artifact("etcd") }).first else {
            throw BackupError(.tool, "No release of this region has an etcd \(version); import one that has (slipway release import).")
        }
        return try await path(artifact)
    }

    private func path(_ artifact: Artifact) async throws -> String {
        try await Files.blocking { [programs] in
            do {
                return try programs.verifiedPath(of: artifact)
            } catch {
                throw BackupError(.tool, "\(artifact.name) cannot be used.", cause: error)
            }
        }
    }

    /// Releases with an etcd of the same minor version, newest first.
    private func releases(for version: String) async throws -> [Release] {
        func minor(_ text: String) -> [Substring] { Array(text.split(separator: ".").prefix(2)) }
        return try await catalog.releases().filter { minor($0.etcdVersion) == minor(version) }
            .sorted { $0.etcdVersion.compare($1.etcdVersion, options: .numeric) == .orderedDescending }
    }
}
