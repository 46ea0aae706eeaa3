import FleetModel

/// Gets one part of a release, Kubernetes or etcd, onto this machine.
protocol ReleaseImporter: Sendable {
    /// Names the source in progress and errors.
    var summary: String { get }

    /// Brings the programs here. What was brought before is not brought again.
    /// - Throws: `ReleaseError`.
    func files(progress: ProgressLog) async throws -> ImportedFiles
}

/// Programs on this machine that are ready to be taken into the store.
struct ImportedFiles: Sendable {
    /// As `1.36.2` or `3.5.16`.
    var version: String
    var files: [File]
    /// Whether the store may share the files instead of copying them: they are ours, and nobody writes to them.
    var owned: Bool
    /// A directory that is only needed until the files are taken in.
    var passingDirectory: String?

    func removePassingDirectory() throws(ReleaseError) {
        if let passingDirectory { try FileSystem.remove(passingDirectory) }
    }

    struct File: Sendable {
        var name: String
        var path: String
    }
}

/// The programs that each part consists of.
enum Programs {
    static let kubernetes = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"]
    static let etcd = ["etcd"]
    /// Taken in when the source has them: they read and restore snapshots.
    static let etcdExtras = ["etcdctl", "etcdutl"]
}
