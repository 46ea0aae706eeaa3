import FleetModel
import Foundation
import PKI
import Substrate

/// Writes command lines, certificates and configuration files for the instances of one control plane.
///
/// No I/O and no clock; the same input gives the same output but for the new keys of the leaf certificates.
public struct ControlPlaneRenderer: Sendable {
    let context: ControlPlaneContext
    let capabilities: VersionCapabilities
    let etcdVersion: EtcdVersion
    let clusterIssuer: CertificateIssuer
    /// Of what those verify who are not part of the control plane.
    let outwardIssuer: CertificateIssuer
    let etcdIssuer: CertificateIssuer
    let frontProxyIssuer: CertificateIssuer

    /// - Throws: `KubernetesError` (`unsupportedVersion`, `invalidContext`), `PKIError` when the credentials cannot be read.
    public init(_ context: ControlPlaneContext) throws {
        guard !context.spec.zones.isEmpty else {
            throw KubernetesError(.invalidContext, "The control plane of \(context.cluster) has no zones.")
        }
        self.context = context
        self.capabilities = try VersionCapabilities(context.release.kubernetesVersion)
        self.etcdVersion = try EtcdVersion(context.release.etcdVersion)
        let credentials = context.credentials
        let lifetime = credentials.lifetimes.leaf
        self.clusterIssuer = try CertificateIssuer(credentials.clusterAuthority, lifetime: lifetime)
        self.outwardIssuer = try CertificateIssuer(credentials.outwardAuthority, lifetime: lifetime)
        self.etcdIssuer = try CertificateIssuer(credentials.etcdAuthority, lifetime: lifetime)
        self.frontProxyIssuer = try CertificateIssuer(credentials.frontProxyAuthority, lifetime: lifetime)
    }

    /// Where a file of an instance will be.
    func path(_ relative: String, in placement: InstancePlacement) -> String { "\(placement.paths.directory)/\(relative)" }

    func instance(
        _ placement: InstancePlacement, role: InstanceRole, components: [ComponentSpec], files: [InstanceFile],
        isJoining: Bool = false
    ) -> InstanceSpec {
        var spec = InstanceSpec(
            id: placement.id, role: role, zone: placement.zone, size: placement.size, network: context.spec.network,
            address: placement.address, volume: placement.volume, release: context.release.id,
            configurationRevision: context.spec.revision(of: role), components: components, files: files,
            isJoining: isJoining, certificatesExpireAt: certificatesExpireAt(role))
        if role == .apiServer { spec.egress = issuerEgress }
        return spec
    }

    /// When the first certificate of an instance ends that is rendered now.
    private func certificatesExpireAt(_ role: InstanceRole) -> Date? {
        let issuers = role == .etcd ? [etcdIssuer] : [clusterIssuer, outwardIssuer, etcdIssuer, frontProxyIssuer]
        return issuers.map { $0.expiry(now: context.now) }.min()
    }

    /// Environment of a Go program that may use `share` of the instance's memory.
    ///
    /// GOMEMLIMIT (Go 1.19 and later; earlier ones ignore it) makes the collector work harder near the limit instead of
    /// letting the kernel kill the process. It stays below the cgroup's limit, which also counts page cache and stacks.
    /// GOGC stays as it is: 300 made an API server's start no faster (3.4 s of CPU either way) and 170 MiB larger.
    ///
    /// - Parameter cores: how many threads run Go code at once, of the instance's CPU; nil: as many as the machine has, which
    ///   lets an API server use what is idle. A program that mostly waits wakes its other threads for nothing: with one, an
    ///   idle etcd member took a third less CPU and half as many context switches.
    func goEnvironment(_ placement: InstancePlacement, share: Double, cores: Double? = nil) -> [String: String] {
        var environment = ["GOMEMLIMIT": "\(max(32, Int(Double(placement.size.memoryMiB) * share)))MiB"]
        if let cores {
            let processors = (Double(placement.size.milliCPU) * cores / 1000).rounded(.up)
            environment["GOMAXPROCS"] = "\(max(1, Int(processors)))"
        }
        return environment
    }
}

extension KeyPair {
    /// `NAME.crt` and `NAME.key`.
    func files(_ name: String) -> [InstanceFile] {
        [
            InstanceFile(path: "\(name).crt", content: certificatePEM, mode: 0o644),
            InstanceFile(path: "\(name).key", content: privateKeyPEM, mode: 0o600),
        ]
    }
}
