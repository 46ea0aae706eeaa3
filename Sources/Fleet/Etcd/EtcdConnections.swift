import EtcdClient
import FleetModel
import Kubernetes
import NIOSSL
import PKI
import Planning
import Timing

/// How one cluster's etcd members are reached, each by itself.
public struct EtcdConnections: Sendable {
    public struct Member: Sendable {
        /// The instance's name.
        public var name: String
        public var client: EtcdConfiguration
        /// `https://ADDRESS:PORT` of its health and metrics pages.
        public var pages: String

        public init(name: String, client: EtcdConfiguration, pages: String) {
            self.name = name
            self.client = client
            self.pages = pages
        }
    }

    /// In the order of the cluster's zones.
    public var members: [Member]
    /// Towards the pages; nil for plain HTTP.
    public var tls: TLSConfiguration?

    public init(members: [Member], tls: TLSConfiguration?) {
        self.members = members
        self.tls = tls
    }

    /// - Throws: `FleetError` (`kubernetes`).
    func member(_ name: String) throws -> Member {
        guard let member = members.first(where: { $0.name == name }) else {
            throw FleetError(.kubernetes, "there is no etcd member \(name)")
        }
        return member
    }
}

/// Finds out how a cluster's etcd is reached.
public protocol EtcdConnecting: Sendable {
    /// - Throws: `FleetError` (`credentials`), `StoreError`.
    func access(to cluster: Cluster) async throws -> EtcdConnections
}

/// With certificates of the cluster's own etcd authority, made for an hour and never written anywhere.
public struct CredentialedEtcd: EtcdConnecting {
    private let credentials: CredentialStore
    private let identities: ProbeIdentities
    private let time: TimeSource

    public init(credentials: CredentialStore, identities: ProbeIdentities, time: TimeSource) {
        self.credentials = credentials
        self.identities = identities
        self.time = time
    }

    public func access(to cluster: Cluster) async throws -> EtcdConnections {
        let secrets = try await credentials.credentials(of: cluster)
        let identity = try secrets.etcdClientCertificate(user: "slipway", now: time.now, lifetime: 3600)
        let tls = EtcdTLS(
            certificateAuthority: .pem(secrets.etcdTrust),
            identity: (certificate: .pem(identity.certificatePEM), privateKey: .pem(identity.privateKeyPEM)))
        let network = cluster.spec.controlPlane.network
        let members = cluster.spec.controlPlane.memberZones.enumerated().map { index, zone in
            let address = network.etcdMember(index)
            return EtcdConnections.Member(
                name: ControlPlaneRenderer.etcdMemberName(in: zone),
                client: EtcdConfiguration(
                    endpoints: [EtcdEndpoint(host: "\(address)", port: Int(KubernetesEndpoints.etcdClientPort))], tls: tls),
                pages: KubernetesEndpoints.etcdMetrics(at: address, path: ""))
        }
        return EtcdConnections(members: members, tls: try await identities.identity(of: cluster).etcd)
    }
}

/// What a cell needs to take care of its clusters' etcds.
public struct EtcdCare: Sendable {
    public var accessing: any EtcdConnecting
    public var maintenance: EtcdMaintenance
    public var planner: EtcdCarePlanner

    public init(accessing: any EtcdConnecting, maintenance: EtcdMaintenance, planner: EtcdCarePlanner = EtcdCarePlanner()) {
        self.accessing = accessing
        self.maintenance = maintenance
        self.planner = planner
    }
}
