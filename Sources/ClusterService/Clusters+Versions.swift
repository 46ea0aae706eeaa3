import FleetModel
import Identity

extension Clusters {
    /// The newest release of each Kubernetes minor, newest first.
    public func versions(as caller: Principal) async throws -> [Release] {
        try check(caller, .list, "eks:DescribeClusterVersions", "*")
        return Self.minors(try await releases())
    }

    /// Newest Kubernetes version and platform version first.
    func releases() async throws -> [Release] {
        try await catalog.releases().sorted {
            ($0.kubernetesVersion, $0.platformVersion) > ($1.kubernetesVersion, $1.platformVersion)
        }
    }

    static func minors(_ releases: [Release]) -> [Release] {
        var seen: Set<KubernetesVersion> = []
        return releases.filter { seen.insert($0.kubernetesVersion.minorVersion).inserted }
    }
}
