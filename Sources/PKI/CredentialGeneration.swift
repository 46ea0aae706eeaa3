import Crypto
import FleetModel
import Foundation

/// What a rotation renews of a cluster's credentials, whole: what stays the same is in the next generation as it was in this one.
public struct CredentialGeneration: Codable, Hashable, Sendable {
    /// From 1; never used again.
    public var number: Int
    public var clusterAuthority: CertificateAuthority
    public var etcdAuthority: CertificateAuthority
    public var frontProxyAuthority: CertificateAuthority
    public var serviceAccountKey: SigningKeyPair

    /// Makes one in which everything is new. The number is part of the authorities' names, so that people can tell them apart.
    /// - Parameter lifetime: of the authorities, in seconds.
    /// - Throws: `PKIError` (`signing`).
    static func make(_ number: Int, cluster: ClusterName, now: Date, lifetime: TimeInterval) throws -> CredentialGeneration {
        func authority(_ name: String) throws -> CertificateAuthority {
            try .make(commonName: number == 1 ? name : "\(name)-\(number)", organization: cluster.rawValue, now: now, lifetime: lifetime)
        }
        let tokens = P256.Signing.PrivateKey()
        return CredentialGeneration(
            number: number, clusterAuthority: try authority("kubernetes-ca"), etcdAuthority: try authority("etcd-ca"),
            frontProxyAuthority: try authority("kubernetes-front-proxy-ca"),
            serviceAccountKey: SigningKeyPair(
                publicKeyPEM: tokens.publicKey.pemRepresentation.endingInNewline,
                privateKeyPEM: tokens.pemRepresentation.endingInNewline))
    }
}

extension ClusterCredentials {
    /// All generations that are held, the issuing one first.
    public var generations: [CredentialGeneration] {
        [
            CredentialGeneration(
                number: generation, clusterAuthority: clusterAuthority, etcdAuthority: etcdAuthority,
                frontProxyAuthority: frontProxyAuthority, serviceAccountKey: serviceAccountKey)
        ] + others
    }

    /// The same credentials with generations in other places.
    /// - Returns: nil when one is not held.
    public func used(as use: CredentialUse) -> ClusterCredentials? {
        let held = generations
        guard let issuing = held.first(where: { $0.number == use.issuing }) else { return nil }
        let numbers = use.trusted.filter { $0 != use.issuing }
        let others = numbers.compactMap { number in held.first { $0.number == number } }
        guard others.count == numbers.count else { return nil }
        var new = self
        new.take(issuing)
        new.others = others
        new.outward = use.outward
        return new
    }

    /// The same with one generation more, which takes its place beside that of `number`; others go.
    /// - Parameters:
    ///   - present: the generation that stays.
    ///   - parts: what is new in the other; the rest is as in `present`.
    /// - Returns: nil when `present` is not held.
    /// - Throws: `PKIError` (`signing`).
    public func renewed(from present: Int, _ parts: [RotationIntent.Part], cluster: ClusterName, now: Date) throws -> ClusterCredentials? {
        guard var new = used(as: CredentialUse(issuing: present)) else { return nil }
        let number = (generations.map(\.number).max() ?? present) + 1
        var next = try CredentialGeneration.make(number, cluster: cluster, now: now, lifetime: lifetimes.authority)
        if !parts.contains(.authorities) {
            next.clusterAuthority = new.clusterAuthority
            next.etcdAuthority = new.etcdAuthority
            next.frontProxyAuthority = new.frontProxyAuthority
        }
        if !parts.contains(.serviceAccountKey) { next.serviceAccountKey = new.serviceAccountKey }
        new.others = [next]
        new.outward = nil
        return new
    }

    private mutating func take(_ generation: CredentialGeneration) {
        self.generation = generation.number
        clusterAuthority = generation.clusterAuthority
        etcdAuthority = generation.etcdAuthority
        frontProxyAuthority = generation.frontProxyAuthority
        serviceAccountKey = generation.serviceAccountKey
    }

    // MARK: Who is trusted

    /// Issues what those verify who are not part of the control plane.
    public var outwardAuthority: CertificateAuthority {
        generations.first { $0.number == outward }?.clusterAuthority ?? clusterAuthority
    }

    /// Certificates of all cluster authorities that are trusted, PEM, the outward one first.
    public var clusterTrust: String { bundle { $0.clusterAuthority.certificatePEM } }
    /// The same of etcd's.
    public var etcdTrust: String { bundle { $0.etcdAuthority.certificatePEM } }
    /// The same of the front proxy's.
    public var frontProxyTrust: String { bundle { $0.frontProxyAuthority.certificatePEM } }
    /// Public keys that service-account tokens are checked with, PEM, one after the other.
    public var tokenTrust: String { bundle { $0.serviceAccountKey.publicKeyPEM } }

    /// Each text once.
    private func bundle(_ text: (CredentialGeneration) -> String) -> String {
        let outwardFirst = generations.sorted { ($0.number == outward ? 0 : 1) < ($1.number == outward ? 0 : 1) }
        return outwardFirst.map(text).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }.joined()
    }
}
