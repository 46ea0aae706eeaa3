import FleetModel

/// Where a release's Kubernetes programs come from.
public enum KubernetesSource: Hashable, Sendable {
    /// A directory with `kube-apiserver`, `kube-controller-manager` and `kube-scheduler`. They are asked for their version
    /// when none is given.
    case directory(String, version: KubernetesVersion? = nil)
    /// A site laid out like the Kubernetes download site: `BASE/v1.36.2/bin/linux/amd64/NAME` with `NAME.sha256` beside it.
    case mirror(base: String, version: KubernetesVersion)
    /// Debian's source package, built here by `scripts/build-kubernetes` (1.20.2).
    case debian

    /// The project's own download site.
    public static let upstreamBase = "https://dl.k8s.io"
    public static let upstreamVersion = KubernetesVersion(major: 1, minor: 36, patch: 2)
    public static let upstream = KubernetesSource.mirror(base: upstreamBase, version: upstreamVersion)
}

/// Where a release's etcd comes from.
public enum EtcdSource: Hashable, Sendable {
    /// A directory with `etcd` (and, if there, `etcdctl` and `etcdutl`), which is asked for its version when none is given.
    case directory(String, version: String? = nil)
    /// A site laid out like etcd's releases: `BASE/v3.5.16/etcd-v3.5.16-linux-amd64.tar.gz` with `SHA256SUMS` beside it.
    case mirror(base: String, version: String)
    /// Debian's package of a suite, fetched by `scripts/fetch-etcd`: `bookworm` (3.4.23), `trixie` (3.5.16), `forky` (3.5.30).
    case debian(suite: String)

    /// The project's own download site.
    public static let upstreamBase = "https://github.com/etcd-io/etcd/releases/download"
    public static let upstreamVersion = "3.5.30"
    public static let upstream = EtcdSource.mirror(base: upstreamBase, version: upstreamVersion)
    public static let defaultDebianSuite = "trixie"
}

/// Where a release comes from.
public struct ImportSource: Hashable, Sendable {
    /// Nil: the upstream site when it can be reached, else Debian.
    public var kubernetes: KubernetesSource?
    /// Nil: the upstream site when it can be reached, else Debian.
    public var etcd: EtcdSource?

    public init(kubernetes: KubernetesSource? = nil, etcd: EtcdSource? = nil) {
        self.kubernetes = kubernetes
        self.etcd = etcd
    }

    /// Upstream when it can be reached, else Debian.
    public static let automatic = ImportSource()
    public static let upstream = ImportSource(kubernetes: .upstream, etcd: .upstream)
    public static let debian = ImportSource(kubernetes: .debian, etcd: .debian(suite: EtcdSource.defaultDebianSuite))
    /// One directory with all programs.
    public static func directory(_ path: String) -> ImportSource {
        ImportSource(kubernetes: .directory(path), etcd: .directory(path))
    }
}
