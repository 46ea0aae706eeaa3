import FleetModel
import Kubernetes
import PKI
import Planning
import Substrate
import Timing

/// Renders real control planes: looks up the release, the credentials and the access files, and leaves the rest to
/// `ControlPlaneRenderer`.
public struct ControlPlaneRendering: InstanceRendering {
    private let region: Region
    private let releases: any ReleaseCatalog
    private let credentials: CredentialStore
    private let access: any AccessPublishing
    private let substrate: any Substrate
    private let authenticator: Artifact
    private let keys: any KeyService
    private let issuerAuthorities: @Sendable () throws -> String?
    private let time: TimeSource

    /// - Parameters:
    ///   - authenticator: the program that runs as `slipway authenticator` and `slipway kms-plugin`.
    ///   - keys: what secrets are encrypted with.
    ///   - issuerAuthorities: whom identity providers' certificates may be signed by, PEM; nil: whom the machine trusts. Asked whenever
    ///     an instance is rendered.
    public init(
        region: Region, releases: any ReleaseCatalog, credentials: CredentialStore, access: any AccessPublishing, substrate: any Substrate,
        authenticator: Artifact, keys: any KeyService, issuerAuthorities: @escaping @Sendable () throws -> String? = { nil },
        time: TimeSource
    ) {
        self.region = region
        self.releases = releases
        self.credentials = credentials
        self.access = access
        self.substrate = substrate
        self.authenticator = authenticator
        self.keys = keys
        self.issuerAuthorities = issuerAuthorities
        self.time = time
    }

    public func certificateAuthority(of cluster: Cluster) async throws -> String {
        // Whatever has become of its credentials, a cluster can be deleted.
        if cluster.metadata.deletionRequestedAt != nil, let known = cluster.status.certificateAuthority { return known }
        return try await credentials.credentials(of: cluster).clusterTrust
    }

    public func loadBalancer(_ intent: LoadBalancerIntent, of cluster: Cluster) async throws -> LoadBalancerSpec {
        LoadBalancerSpec(
            cluster: intent.cluster, network: intent.network, address: intent.network.loadBalancer,
            port: KubernetesEndpoints.endpointPort, backendPort: KubernetesEndpoints.apiServerPort, backends: intent.backends,
            certificateAuthority: try await certificateAuthority(of: cluster), trustRevision: intent.trustRevision, access: intent.access)
    }

    public func instance(_ intent: InstanceIntent, of cluster: Cluster) async throws -> InstanceSpec {
        guard let release = try await releases.release(intent.release) else {
            throw FleetError(
                .unknownRelease,
                "Release \(intent.release) of cluster '\(cluster.name)' is not here; import it again (slipway release import).")
        }
        var context = ControlPlaneContext(
            cluster: cluster.name, clusterUID: cluster.metadata.uid, region: region.name, spec: cluster.spec.controlPlane,
            settings: cluster.spec.settings, release: release, credentials: try await credentials.credentials(of: cluster),
            authenticator: authenticator, encryption: intent.role == .apiServer ? try await encryption(of: cluster) : nil,
            now: time.now)
        if intent.role == .apiServer, cluster.spec.settings.identityProvider != nil { context.issuerAuthorities = try issuerAuthorities() }
        let renderer = try ControlPlaneRenderer(context)
        let placement = InstancePlacement(
            id: intent.id, zone: intent.zone, size: intent.size, address: intent.address, volume: intent.volume,
            paths: substrate.paths(of: intent.id, volume: intent.volume))
        switch intent.role {
        case .etcd: return try renderer.etcdInstance(placement, initialClusterState: intent.isJoining ? .existing : .new)
        case .apiServer:
            var spec = try renderer.apiServerInstance(placement)
            spec.files += try await access.files(of: cluster)
            return spec
        case .loadBalancer:
            throw FleetError(.invariant, "the load balancer is not rendered as an instance")
        }
    }

    private func encryption(of cluster: Cluster) async throws -> EncryptionContext? {
        guard let intent = cluster.spec.encryption else { return nil }
        return EncryptionContext(
            intent: intent,
            keys: try await keys.package(intent.keyARN, versions: intent.sealingOrder.map(\.keyVersion), scope: intent.scope))
    }
}
