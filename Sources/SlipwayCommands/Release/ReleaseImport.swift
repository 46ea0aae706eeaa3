import ArgumentParser
import FleetModel
import Foundation
import Releases

struct ReleaseImport: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Get a release onto this machine and check it.",
        discussion: """
            SOURCE is `auto` (the upstream sites when they can be reached, else Debian), `upstream`, `debian` (etcd's package, and \
            Kubernetes built from Debian's source: about 5 minutes on 2 cores, once), or a directory with the programs. The options \
            name a source for one of the two parts.
            """)

    @Argument(help: "auto, upstream, debian, or a directory.")
    var source = "auto"

    @Option(help: "A site laid out like the Kubernetes download site.")
    var kubernetesMirror: String?
    @Option(help: "With --kubernetes-mirror or --kubernetes-dir, such as 1.33.4.")
    var kubernetesVersion: String?
    @Option(help: "A directory with kube-apiserver, kube-controller-manager and kube-scheduler.")
    var kubernetesDir: String?
    @Option(help: "A site laid out like etcd's releases.")
    var etcdMirror: String?
    @Option(help: "With --etcd-mirror or --etcd-dir, such as 3.5.16.")
    var etcdVersion: String?
    @Option(help: "A directory with etcd.")
    var etcdDir: String?
    @Option(help: "Debian's suite whose etcd package is taken: bookworm, trixie, forky.")
    var etcdSuite: String?

    @OptionGroup var store: ReleaseStoreOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let console = output.console
            let release = try await store.store().importRelease(from: try importSource()) { progress in
                console.note("\(Durations.text(progress.seconds).leftPadded(to: 10))  \(progress.text)")
            }
            try console.result(
                release, text: "Release \(release.id): Kubernetes \(release.kubernetesVersion), etcd \(release.etcdVersion).")
        } catch { throw CommandError(error) }
    }

    private func importSource() throws -> ImportSource {
        var chosen: ImportSource
        switch source {
        case "auto": chosen = .automatic
        case "upstream": chosen = .upstream
        case "debian": chosen = .debian
        default:
            let path = URL(filePath: source).standardizedFileURL.path
            var isDirectory: ObjCBool = false
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), isDirectory.boolValue else {
                throw CommandError(.usage, "'\(source)' is neither auto, upstream, debian, nor a directory.")
            }
            chosen = .directory(path)
        }
        let version = try kubernetesVersion.map { try KubernetesVersion($0) }
        if let kubernetesMirror {
            guard let version else { throw CommandError(.usage, "--kubernetes-mirror needs --kubernetes-version.") }
            chosen.kubernetes = .mirror(base: kubernetesMirror, version: version)
        } else if let kubernetesDir {
            chosen.kubernetes = .directory(URL(filePath: kubernetesDir).standardizedFileURL.path, version: version)
        } else if let version {
            chosen.kubernetes = .mirror(base: KubernetesSource.upstreamBase, version: version)
        }
        if let etcdMirror {
            guard let etcdVersion else { throw CommandError(.usage, "--etcd-mirror needs --etcd-version.") }
            chosen.etcd = .mirror(base: etcdMirror, version: etcdVersion)
        } else if let etcdDir {
            chosen.etcd = .directory(URL(filePath: etcdDir).standardizedFileURL.path, version: etcdVersion)
        } else if let etcdSuite {
            chosen.etcd = .debian(suite: etcdSuite)
        } else if let etcdVersion {
            chosen.etcd = .mirror(base: EtcdSource.upstreamBase, version: etcdVersion)
        }
        return chosen
    }
}
