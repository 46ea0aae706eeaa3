import Crypto
import FleetModel
import Foundation

/// Every long-lived secret of one cluster. Leaf certificates are made from it whenever an instance is rendered.
///
/// Three authorities and not one: who may talk to etcd, who may impersonate users as an aggregator, and who is a user are
/// three different questions, and a client certificate answers each by its issuer alone.
public struct ClusterCredentials: Codable, Hashable, Sendable {
    /// Signs API server certificates and users' client certificates.
    public var clusterAuthority: CertificateAuthority
    /// Signs etcd members and etcd's clients.
    public var etcdAuthority: CertificateAuthority
    /// Signs the API server's client certificate towards aggregated API servers.
    public var frontProxyAuthority: CertificateAuthority
    /// Signs service-account tokens: P-256 (ES256), which every Kubernetes in range accepts and which costs a fraction of RSA.
    public var serviceAccountKey: SigningKeyPair
    /// 32 random bytes for what two components of the cluster must share.
    public var sharedSecret: Data
    public var lifetimes: CertificateLifetimes

    /// Makes new ones.
    /// - Throws: `PKIError` (`signing`).
    public static func make(cluster: ClusterName, now: Date, lifetimes: CertificateLifetimes = .standard) throws -> ClusterCredentials {
        let owner = cluster.rawValue
        let tokens = P256.Signing.PrivateKey()
        return ClusterCredentials(
            clusterAuthority: try .make(commonName: "kubernetes-ca", organization: owner, now: now, lifetime: lifetimes.authority),
            etcdAuthority: try .make(commonName: "etcd-ca", organization: owner, now: now, lifetime: lifetimes.authority),
            frontProxyAuthority: try .make(
                commonName: "kubernetes-front-proxy-ca", organization: owner, now: now, lifetime: lifetimes.authority),
            serviceAccountKey: SigningKeyPair(
                publicKeyPEM: tokens.publicKey.pemRepresentation.endingInNewline,
                privateKeyPEM: tokens.pemRepresentation.endingInNewline),
            sharedSecret: SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }, lifetimes: lifetimes)
    }

    /// A client certificate of the Kubernetes API.
    ///
    /// - Parameters:
    ///   - groups: `system:masters` may do everything.
    ///   - lifetime: seconds; nil for the cluster's usual one.
    /// - Throws: `PKIError`.
    public func clientCertificate(user: String, groups: [String], now: Date, lifetime: TimeInterval? = nil) throws -> KeyPair {
        try CertificateIssuer(clusterAuthority, lifetime: lifetime ?? lifetimes.leaf)
            .issue(CertificateRequest(commonName: user, organizations: groups, usage: .client), now: now)
    }

    /// A client certificate for the cluster's etcd.
    /// - Throws: `PKIError`.
    public func etcdClientCertificate(user: String, now: Date, lifetime: TimeInterval? = nil) throws -> KeyPair {
        try CertificateIssuer(etcdAuthority, lifetime: lifetime ?? lifetimes.leaf)
            .issue(CertificateRequest(commonName: user, usage: .client), now: now)
    }
}
