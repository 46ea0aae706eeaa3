import EtcdClient
import FleetModel
import Foundation
import Kubernetes
import PKI
import Substrate
import Timing

/// How Slipway reaches the etcd of one cluster.
struct EtcdAccess: Sendable {
    let cluster: Cluster
    let credentials: ClusterCredentials
    let time: TimeSource

    /// In order; names of instances, zones and addresses.
    var members: [(name: String, zone: ZoneName, address: IPv4Address)] {
        let spec = cluster.spec.controlPlane
        return spec.memberZones.enumerated().map { index, zone in
            (ControlPlaneRenderer.etcdMemberName(in: zone), zone, spec.network.etcdMember(index))
        }
    }

    /// - Parameter names: of the members to talk to; nil: all.
    /// - Throws: `FleetError` (`kubernetes`) when there is none of these.
    func configuration(of names: Set<String>? = nil, timeout: Duration = .seconds(5), lifetime: TimeInterval = 3600) throws
        -> EtcdConfiguration
    {
        let chosen = members.filter { names?.contains($0.name) ?? true }
        guard !chosen.isEmpty else {
            throw FleetError(.kubernetes, "'\((names ?? []).sorted().joined(separator: ", "))' is no etcd member of '\(cluster.name)'")
        }
        let identity = try credentials.etcdClientCertificate(user: "slipway", now: time.now, lifetime: lifetime)
        return EtcdConfiguration(
            endpoints: chosen.map { EtcdEndpoint(host: "\($0.address)", port: Int(KubernetesEndpoints.etcdClientPort)) },
            tls: EtcdTLS(
                certificateAuthority: .pem(credentials.etcdTrust),
                identity: (certificate: .pem(identity.certificatePEM), privateKey: .pem(identity.privateKeyPEM))),
            timeout: timeout)
    }
}
