import FleetModel
import PKI
import Substrate

/// Whether an etcd member is one of the first, or comes to members that are there.
public enum InitialClusterState: String, Sendable {
    case new, existing
}

extension ControlPlaneRenderer {
    /// The only common name that may speak as a peer: clients of etcd have certificates of the same authority.
    static let peerCommonName = "etcd-peer"

    /// One etcd member. Its name is the instance's name, its data is on the instance's volume.
    ///
    /// - Parameter initialClusterState: read by etcd only while its data directory is empty. One that joins existing members
    ///   answers no clients: API servers would send it requests, which a learner refuses. It is made anew once it has joined.
    /// - Throws: `KubernetesError` (`invalidContext`), `FleetModelError` (`invalidRelease`), `PKIError`.
    public func etcdInstance(_ placement: InstancePlacement, initialClusterState: InitialClusterState = .new) throws -> InstanceSpec {
        guard placement.volume != nil, !placement.paths.volume.isEmpty else {
            throw KubernetesError(.invalidContext, "The etcd instance \(placement.id) has no volume.")
        }
        guard placement.id.name == Self.etcdMemberName(in: placement.zone) else {
            throw KubernetesError(.invalidContext, "The etcd member in \(placement.zone) must not be named '\(placement.id.name)'.")
        }
        guard zip(context.spec.memberZones, context.memberAddresses).contains(where: { $0 == placement.zone && $1 == placement.address })
        else {
            throw KubernetesError(
                .invalidContext, "\(placement.address) is not the address of the etcd member of \(context.cluster) in \(placement.zone).")
        }
        return instance(
            placement, role: .etcd,
            components: [
                ComponentSpec(
                    kind: .etcd, artifact: try context.release.artifact("etcd"),
                    arguments: etcdArguments(placement, initialClusterState), environment: goEnvironment(placement, share: 0.7, cores: 1))
            ],
            files: try etcdFiles(placement), isJoining: initialClusterState == .existing)
    }

    /// The name of the member in a zone, and of its instance and volume.
    public static func etcdMemberName(in zone: ZoneName) -> String { "etcd-\(zone)" }

    private func etcdArguments(_ placement: InstancePlacement, _ state: InitialClusterState) -> [String] {
        let client = KubernetesEndpoints.etcdClient(at: placement.address)
        let local = "https://127.0.0.1:\(KubernetesEndpoints.etcdClientPort)"
        let peer = Self.etcdPeerURL(at: placement.address)
        // Explicit, since etcd's own default is 2 GiB. None while it joins: it repeats what the others' logs hold, with all that was
        // deleted since, and would stop all writes with an alarm NOSPACE of its own. (No client writes through it then.)
        let quota = state == .existing ? -1 : placement.size.databaseQuotaBytes
        let members = zip(context.spec.memberZones, context.memberAddresses).map {
            "\(Self.etcdMemberName(in: $0))=\(Self.etcdPeerURL(at: $1))"
        }
        return [
            "--name=\(placement.id.name)",
            "--data-dir=\(placement.paths.volume)/etcd",
            "--listen-client-urls=\(state == .existing ? local : "\(client),\(local)")",
            "--advertise-client-urls=\(client)",
            "--listen-peer-urls=\(peer)",
            "--initial-advertise-peer-urls=\(peer)",
            "--initial-cluster=\(members.joined(separator: ","))",
            "--initial-cluster-state=\(state.rawValue)",
            "--initial-cluster-token=\(context.clusterUID)",
            "--strict-reconfig-check=true",
            // TLS and client certificates as on the client port (since 3.3). A port of its own answers before the member has a
            // leader, when the client port still hangs.
            "--listen-metrics-urls=\(KubernetesEndpoints.etcdMetrics(at: placement.address, path: ""))",
            "--cert-file=\(path("pki/server.crt", in: placement))",
            "--key-file=\(path("pki/server.key", in: placement))",
            "--trusted-ca-file=\(path("pki/etcd-ca.crt", in: placement))",
            "--client-cert-auth=true",
            "--peer-cert-file=\(path("pki/peer.crt", in: placement))",
            "--peer-key-file=\(path("pki/peer.key", in: placement))",
            "--peer-trusted-ca-file=\(path("pki/etcd-ca.crt", in: placement))",
            "--peer-client-cert-auth=true",
            "--peer-cert-allowed-cn=\(Self.peerCommonName)",
            "--heartbeat-interval=100",
            "--election-timeout=1000",
            // Off by default in 3.4: a member that comes back from the other side of a cut must not depose a good leader.
            "--pre-vote=true",
            "--quota-backend-bytes=\(quota)",
            // The default of 3.6. The 100,000 before it keeps far more of the log in memory.
            "--snapshot-count=10000",
            "--log-level=info",
            "--log-outputs=stderr",
        ] + EtcdCapabilities(etcdVersion).versionedArguments(quotaBytes: quota)
    }

    /// How the members of a cluster know each other.
    public static func etcdPeerURL(at address: IPv4Address) -> String { "https://\(address):\(KubernetesEndpoints.etcdPeerPort)" }

    private func etcdFiles(_ placement: InstancePlacement) throws -> [InstanceFile] {
        let addresses = [placement.address, IPv4Address(bits: 0x7f00_0001)]
        // The gateway inside etcd is a client that shows the server's certificate, hence both usages.
        let server = try etcdIssuer.issue(
            CertificateRequest(commonName: placement.id.name, dnsNames: ["localhost"], addresses: addresses, usage: .both), now: context.now
        )
        let peer = try etcdIssuer.issue(
            CertificateRequest(
                commonName: Self.peerCommonName, dnsNames: [placement.id.name, "localhost"], addresses: addresses, usage: .both),
            now: context.now)
        let authority = InstanceFile(path: "pki/etcd-ca.crt", content: context.credentials.etcdTrust, mode: 0o644)
        return [authority] + server.files("pki/server") + peer.files("pki/peer")
    }
}
