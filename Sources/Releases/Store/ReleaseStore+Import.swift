import AsyncHTTPClient
import FleetModel
import Foundation
import Timing

extension ReleaseStore {
    /// Brings a release here and takes it in. Importing the same files again returns the release that there is.
    ///
    /// Its name is `VERSION-eks.N`, with N one more than the highest of the same Kubernetes minor, as EKS counts platform
    /// versions.
    /// - Parameter progress: is told each step, possibly often; may be called from several tasks.
    /// - Throws: `ReleaseError`; nothing half made is left, and what was downloaded is used the next time.
    public func importRelease(
        from source: ImportSource, environment: ImportEnvironment = ImportEnvironment(),
        progress: @escaping ReleaseProgressHandler = { _ in }
    ) async throws -> Release {
        let log = ProgressLog(time: time, handler: progress)
        return try await HTTPClient.withHTTPClient(configuration: Downloads.configuration) { client in
            let choice = ImporterChoice(
                environment: environment,
                downloads: Downloads(client: client, directory: environment.cacheDirectory + "/downloads", time: time))
            let etcdImporter = await choice.importer(of: source.etcd, progress: log)
            let kubernetesImporter = await choice.importer(of: source.kubernetes, progress: log)
            log.say("etcd from \(etcdImporter.summary)")
            let etcd = try await etcdImporter.files(progress: log)
            do {
                log.say("Kubernetes from \(kubernetesImporter.summary)")
                let kubernetes = try await kubernetesImporter.files(progress: log)
                let release = try await takeIn(kubernetes: kubernetes, etcd: etcd, progress: log)
                try etcd.removePassingDirectory()
                return release
            } catch {
                try etcd.removePassingDirectory()
                throw error
            }
        }
    }

    /// Adds the files and writes the manifest, last: a release that can be listed is whole.
    private func takeIn(kubernetes: ImportedFiles, etcd: ImportedFiles, progress: ProgressLog) async throws -> Release {
        let version = try KubernetesVersion(kubernetes.version)
        return try await locked {
            try files.removeLeftovers()
            let artifacts = try [etcd, kubernetes].flatMap { part in
                try part.files.map { file in
                    let artifact = try files.add(file.path, name: file.name, linking: part.owned)
                    progress.say("\(file.name): SHA-256 \(artifact.sha256.prefix(12))…, \(artifact.size / 1_000_000) MB")
                    return artifact
                }
            }
            let existing = try read()
            if let same = existing.first(where: {
                $0.kubernetesVersion == version && $0.etcdVersion == etcd.version && Set($0.artifacts) == Set(artifacts)
            }) {
                progress.say("release \(same.id) has these very files already")
                return same
            }
            let sameMinor = existing.filter { $0.kubernetesVersion.minorVersion == version.minorVersion }
            let platformVersion = (sameMinor.map(\.platformVersion).max() ?? 0) + 1
            let release = Release(
                id: ReleaseID(rawValue: "\(version)-eks.\(platformVersion)"), kubernetesVersion: version,
                platformVersion: platformVersion, etcdVersion: etcd.version, artifacts: artifacts,
                importedAt: time.now.timeIntervalSince1970.rounded())
            try write(release)
            progress.say("release \(release.id): Kubernetes \(version), etcd \(etcd.version)")
            return release
        }
    }
}
