import Crypto
import FleetModel
import Foundation

/// Every long-lived secret of one cluster. Leaf certificates are made from it whenever an instance is rendered.
///
/// Three authorities and not one: who may talk to etcd, who may impersonate users as an aggregator, and who is a user are
/// three different questions, and a client certificate answers each by its issuer alone.
///
/// What is named here issues; during a rotation others are trusted besides: see `used(as:)`.
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
    /// Which generation issues, from 1.
    public var generation = 1
    /// Other generations: as stored, those that a rotation brings; in use, those that are trusted besides.
    public var others: [CredentialGeneration] = []
    /// The generation that issues what is shown to the outside; nil: the one that issues all else.
    var outward: Int?

    private enum CodingKeys: String, CodingKey {
        case clusterAuthority, etcdAuthority, frontProxyAuthority, serviceAccountKey, sharedSecret, lifetimes, generation, others, outward
    }

    /// Makes new ones.
    /// - Throws: `PKIError` (`signing`).
    public static func make(cluster: ClusterName, now: Date, lifetimes: CertificateLifetimes = .standard) throws -> ClusterCredentials {
        let first = try CredentialGeneration.make(1, cluster: cluster, now: now, lifetime: lifetimes.authority)
        return ClusterCredentials(
            clusterAuthority: first.clusterAuthority, etcdAuthority: first.etcdAuthority, frontProxyAuthority: first.frontProxyAuthority,
            serviceAccountKey: first.serviceAccountKey, sharedSecret: SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) },
            lifetimes: lifetimes)
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

extension ClusterCredentials {
    /// Those of before know one generation only.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            clusterAuthority: try values.decode(CertificateAuthority.self, forKey: .clusterAuthority),
            etcdAuthority: try values.decode(CertificateAuthority.self, forKey: .etcdAuthority),
            frontProxyAuthority: try values.decode(CertificateAuthority.self, forKey: .frontProxyAuthority),
            serviceAccountKey: try values.decode(SigningKeyPair.self, forKey: .serviceAccountKey),
            sharedSecret: try values.decode(Data.self, forKey: .sharedSecret),
            lifetimes: try values.decode(CertificateLifetimes.self, forKey: .lifetimes),
            generation: try values.decodeIfPresent(Int.self, forKey: .generation) ?? 1,
            others: try values.decodeIfPresent([CredentialGeneration].self, forKey: .others) ?? [],
            outward: try values.decodeIfPresent(Int.self, forKey: .outward))
    }
}
