import Timing

/// Which importer serves a source. Where none is named: the upstream site when it can be reached, else Debian.
struct ImporterChoice: Sendable {
    var environment: ImportEnvironment
    var downloads: Downloads

    func importer(of source: KubernetesSource?, progress: ProgressLog) async -> any ReleaseImporter {
        switch source {
        case .directory(let path, let version):
            return DirectoryImporter(directory: path, part: .kubernetes(version), time: downloads.time)
        case .mirror(let base, let version):
            return KubernetesMirrorImporter(
                base: base, version: version, architecture: environment.architecture, downloads: downloads)
        case .debian:
            return DebianImporter(part: .kubernetes, environment: environment, time: downloads.time)
        case nil:
            let upstream = KubernetesMirrorImporter(
                base: environment.kubernetesBase, version: KubernetesSource.upstreamVersion,
                architecture: environment.architecture, downloads: downloads)
            progress.say("looking for \(upstream.summary) ...")
            if await downloads.exists(upstream.probe) { return upstream }
            progress.say("\(environment.kubernetesBase) cannot be reached; taking Debian's source package")
            return await importer(of: .debian, progress: progress)
        }
    }

    func importer(of source: EtcdSource?, progress: ProgressLog) async -> any ReleaseImporter {
        switch source {
        case .directory(let path, let version):
            return DirectoryImporter(directory: path, part: .etcd(version), time: downloads.time)
        case .mirror(let base, let version):
            return EtcdMirrorImporter(base: base, version: version, architecture: environment.architecture, downloads: downloads)
        case .debian(let suite):
            return DebianImporter(part: .etcd(suite: suite), environment: environment, time: downloads.time)
        case nil:
            let upstream = EtcdMirrorImporter(
                base: environment.etcdBase, version: EtcdSource.upstreamVersion, architecture: environment.architecture,
                downloads: downloads)
            progress.say("looking for \(upstream.summary) ...")
            if await downloads.exists(upstream.probe) { return upstream }
            progress.say("\(environment.etcdBase) cannot be reached; taking Debian's package")
            return await importer(of: .debian(suite: EtcdSource.defaultDebianSuite), progress: progress)
        }
    }
}
