import Crypto
import FleetModel
import Foundation
import SwiftASN1
import X509

/// What a leaf certificate is to say.
public struct CertificateRequest: Hashable, Sendable {
    /// Which end of a connection shows the certificate.
    public enum Usage: Hashable, Sendable {
        case server, client
        /// Both ends: an etcd peer.
        case both
    }

    /// Kubernetes takes it as the user's name.
    public var commonName: String
    /// Kubernetes takes them as the user's groups.
    public var organizations: [String]
    public var dnsNames: [String]
    public var addresses: [IPv4Address]
    public var usage: Usage

    public init(
        commonName: String, organizations: [String] = [], dnsNames: [String] = [], addresses: [IPv4Address] = [], usage: Usage
    ) {
        self.commonName = commonName
        self.organizations = organizations
        self.dnsNames = dnsNames
        self.addresses = addresses
        self.usage = usage
    }
}

/// Issues leaf certificates of one authority.
public struct CertificateIssuer: Sendable {
    private let certificate: Certificate
    private let key: Certificate.PrivateKey
    private let lifetime: TimeInterval

    /// - Parameter lifetime: of the certificates issued, in seconds; cut to the authority's own end.
    /// - Throws: `PKIError` (`invalidCertificate`, `invalidKey`) when the authority cannot be read.
    public init(_ authority: CertificateAuthority, lifetime: TimeInterval = CertificateLifetimes.standard.leaf) throws {
        do {
            self.certificate = try Certificate(pemEncoded: authority.certificatePEM)
        } catch {
            throw PKIError(.invalidCertificate, "The authority's certificate is not in PEM form.", cause: error)
        }
        do {
            self.key = try Certificate.PrivateKey(pemEncoded: authority.privateKeyPEM)
        } catch {
            throw PKIError(.invalidKey, "The authority's key is not a private key in PEM form.", cause: error)
        }
        self.lifetime = lifetime
    }

    /// When a certificate ends that is issued now.
    public func expiry(now: Date) -> Date { min(now.addingTimeInterval(lifetime), certificate.notValidAfter) }

    /// Makes a new P-256 key and a certificate for it, valid from five minutes before `now`.
    /// - Throws: `PKIError` (`signing`).
    public func issue(_ request: CertificateRequest, now: Date) throws -> KeyPair {
        do {
            let leafKey = P256.Signing.PrivateKey()
            let publicKey = Certificate.PrivateKey(leafKey).publicKey
            let leaf = try Certificate(
                version: .v3, serialNumber: .random(), publicKey: publicKey,
                notValidBefore: now.addingTimeInterval(-CertificateLifetimes.backdating),
                notValidAfter: expiry(now: now), issuer: certificate.subject,
                subject: try DistinguishedName(commonName: request.commonName, organizations: request.organizations),
                signatureAlgorithm: .ecdsaWithSHA256, extensions: try extensions(for: request), issuerPrivateKey: key)
            return KeyPair(certificatePEM: try leaf.pemText(), privateKeyPEM: leafKey.pemRepresentation.endingInNewline)
        } catch {
            throw PKIError(.signing, "The certificate for '\(request.commonName)' could not be made.", cause: error)
        }
    }

    private func extensions(for request: CertificateRequest) throws -> Certificate.Extensions {
        let usages: [ExtendedKeyUsage.Usage] =
            switch request.usage {
            case .server: [.serverAuth]
            case .client: [.clientAuth]
            case .both: [.serverAuth, .clientAuth]
            }
        let names = request.dnsNames.map { GeneralName.dnsName($0) } + request.addresses.map { GeneralName.ipAddress($0.octets) }
        let authorityKey = try certificate.extensions.subjectKeyIdentifier?.keyIdentifier
        return try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage(usages)
            AuthorityKeyIdentifier(keyIdentifier: authorityKey)
            if !names.isEmpty { SubjectAlternativeNames(names) }
        }
    }
}

extension IPv4Address {
    fileprivate var octets: ASN1OctetString {
        ASN1OctetString(contentBytes: [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bits >> $0) }[...])
    }
}
