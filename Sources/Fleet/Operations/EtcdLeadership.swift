import EtcdClient
import FleetModel
import Kubernetes
import PKI
import Substrate
import Timing

/// Hands a cluster's etcd leadership from one member to another.
struct EtcdLeadership: Sendable {
    let cluster: Cluster
    let credentials: ClusterCredentials
    let time: TimeSource

    /// Returns when the new leader leads, or at once when somebody else than `from` leads already.
    /// - Throws: `EtcdError`; `FleetError` (`kubernetes`) when a member is unknown.
    func move(from: String, to: String) async throws {
        try await EtcdClient.with(try configuration(of: from)) { client in
            let members = try await client.memberList()
            guard let heir = members.first(where: { $0.name == to }) else {
                throw FleetError(.kubernetes, "etcd of '\(cluster.name)' has no member \(to)")
            }
            let status = try await client.status()
            guard status.leader == status.member else { return }
            try await client.moveLeader(to: heir.id)
        }
    }

    /// Only the member itself: leadership is handed over by who has it.
    private func configuration(of member: String) throws -> EtcdConfiguration {
        let network = cluster.spec.controlPlane.network
        guard
            let index = cluster.spec.controlPlane.zones.prefix(3).firstIndex(where: {
                ControlPlaneRenderer.etcdMemberName(in: $0) == member
            })
        else { throw FleetError(.kubernetes, "'\(member)' is no etcd member of '\(cluster.name)'") }
        let identity = try credentials.etcdClientCertificate(user: "slipway", now: time.now, lifetime: 3600)
        return EtcdConfiguration(
            endpoints: [EtcdEndpoint(host: "\(network.etcdMember(index))", port: Int(KubernetesEndpoints.etcdClientPort))],
            tls: EtcdTLS(
                certificateAuthority: .pem(credentials.etcdAuthority.certificatePEM),
                identity: (certificate: .pem(identity.certificatePEM), privateKey: .pem(identity.privateKeyPEM))))
    }
}
