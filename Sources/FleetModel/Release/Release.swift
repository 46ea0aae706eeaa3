/// Names one release: `1.20.2-eks.1`.
public struct ReleaseID: RawRepresentable, Codable, Hashable, Sendable, Comparable, CustomStringConvertible {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// One file of a release, pinned by its content.
public struct Artifact: Codable, Hashable, Sendable {
    /// Program name: `kube-apiserver`, `etcd`, …
    public var name: String
    /// Lower-case hexadecimal SHA-256 of the file.
    public var sha256: String
    /// Bytes.
    public var size: Int64

    public init(name: String, sha256: String, size: Int64) {
        self.name = name
        self.sha256 = sha256
        self.size = size
    }
}

/// A Kubernetes version, a platform version and an etcd version as one set of artifacts.
public struct Release: Codable, Hashable, Sendable {
    public var id: ReleaseID
    public var kubernetesVersion: KubernetesVersion
    /// As the EKS API says it: `eks.1`, `eks.2`…: one more for each release of the same Kubernetes minor.
    public var platformVersion: Int
    /// For example `3.5.16`.
    public var etcdVersion: String
    public var artifacts: [Artifact]
    /// Seconds since 1970.
    public var importedAt: Double

    public init(
        id: ReleaseID, kubernetesVersion: KubernetesVersion, platformVersion: Int, etcdVersion: String, artifacts: [Artifact],
        importedAt: Double
    ) {
        self.id = id
        self.kubernetesVersion = kubernetesVersion
        self.platformVersion = platformVersion
        self.etcdVersion = etcdVersion
        self.artifacts = artifacts
        self.importedAt = importedAt
    }

    /// The programs that every release must have.
    public static let requiredArtifacts = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]

    /// The release's file of that name.
    /// - Throws: `FleetModelError` (`invalidRelease`) when it has none.
    public func artifact(_ name: String) throws -> Artifact {
        guard let found = artifacts.first(where: { $0.name == name }) else {
            throw FleetModelError(.invalidRelease, "Release \(id) has no artifact '\(name)'; import it again.")
        }
        return found
    }
}

/// Where releases are looked up.
public protocol ReleaseCatalog: Sendable {
    /// All releases, newest Kubernetes version and platform version first.
    func releases() async throws -> [Release]
}

extension ReleaseCatalog {
    public func release(_ id: ReleaseID) async throws -> Release? { try await releases().first { $0.id == id } }
}
