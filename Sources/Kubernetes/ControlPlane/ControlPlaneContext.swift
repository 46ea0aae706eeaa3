import FleetModel
import Foundation
import PKI
import Substrate

/// What all instances of one control plane have in common.
public struct ControlPlaneContext: Sendable {
    public var cluster: ClusterName
    /// Never used again; the etcd cluster's token, so that members of a cluster that is gone cannot join another of its name.
    public var clusterUID: String
    public var region: String
    public var spec: ControlPlaneSpec
    public var settings: ClusterSettings
    public var release: Release
    public var credentials: ClusterCredentials
    /// Our own program, which is the authenticator and the KMS plugin too.
    public var authenticator: Artifact
    /// How secrets are encrypted; nil: not at all.
    public var encryption: EncryptionContext?
    /// Whom an identity provider's certificate may be signed by, PEM; nil: whom the machine trusts.
    public var issuerAuthorities: String?
    /// Leaf certificates are valid from five minutes before.
    public var now: Date

    public init(
        cluster: ClusterName, clusterUID: String, region: String, spec: ControlPlaneSpec, settings: ClusterSettings, release: Release,
        credentials: ClusterCredentials, authenticator: Artifact, encryption: EncryptionContext? = nil, now: Date
    ) {
        self.cluster = cluster
        self.clusterUID = clusterUID
        self.region = region
        self.spec = spec
        self.settings = settings
        self.release = release
        self.credentials = credentials
        self.authenticator = authenticator
        self.encryption = encryption
        self.now = now
    }

    /// Where the members are, in the order of their zones.
    public var memberAddresses: [IPv4Address] { spec.memberZones.indices.map { spec.network.etcdMember($0) } }

    /// `https://ADDRESS` of the load balancer.
    public var endpoint: String { KubernetesEndpoints.endpoint(of: spec.network) }

    /// First address of the service range, which the API server takes for the `kubernetes` service.
    /// - Throws: `KubernetesError` (`invalidContext`).
    func kubernetesServiceAddress() throws -> IPv4Address {
        do {
            return try IPv4Block(settings.serviceIPv4CIDR)[1]
        } catch {
            throw KubernetesError(.invalidContext, "The service range '\(settings.serviceIPv4CIDR)' is not an address block.", cause: error)
        }
    }
}

/// What one instance adds.
public struct InstancePlacement: Hashable, Sendable {
    public var id: InstanceID
    public var zone: ZoneName
    public var size: InstanceSize
    public var address: IPv4Address
    public var volume: VolumeID?
    public var paths: InstancePaths

    public init(id: InstanceID, zone: ZoneName, size: InstanceSize, address: IPv4Address, volume: VolumeID? = nil, paths: InstancePaths) {
        self.id = id
        self.zone = zone
        self.size = size
        self.address = address
        self.volume = volume
        self.paths = paths
    }
}
