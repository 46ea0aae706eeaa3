import Crypto
import Foundation
import SwiftASN1
import X509

/// A certificate authority: its own certificate, and the key that signs others (P-256). Both PEM.
public struct CertificateAuthority: Codable, Hashable, Sendable {
    public var certificatePEM: String
    public var privateKeyPEM: String

    public init(certificatePEM: String, privateKeyPEM: String) {
        self.certificatePEM = certificatePEM
        self.privateKeyPEM = privateKeyPEM
    }

    /// Makes a new key and a certificate that it signs itself.
    ///
    /// - Parameters:
    ///   - commonName: at most 64 characters (RFC 5280, ub-common-name).
    ///   - organization: cut after 64 characters (ub-organization-name).
    ///   - lifetime: seconds from `now`.
    /// - Throws: `PKIError` (`signing`).
    public static func make(
        commonName: String, organization: String? = nil, now: Date, lifetime: TimeInterval = CertificateLifetimes.standard.authority
    ) throws -> CertificateAuthority {
        do {
            let key = P256.Signing.PrivateKey()
            let signer = Certificate.PrivateKey(key)
            let name = try DistinguishedName(commonName: commonName, organizations: organization.map { [String($0.prefix(64))] } ?? [])
            let certificate = try Certificate(
                version: .v3, serialNumber: .random(), publicKey: signer.publicKey,
                notValidBefore: now.addingTimeInterval(-CertificateLifetimes.backdating),
                notValidAfter: now.addingTimeInterval(lifetime), issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(digitalSignature: true, keyCertSign: true, cRLSign: true))
                    SubjectKeyIdentifier(hash: signer.publicKey)
                },
                issuerPrivateKey: signer)
            return CertificateAuthority(
                certificatePEM: try certificate.pemText(), privateKeyPEM: key.pemRepresentation.endingInNewline)
        } catch {
            throw PKIError(.signing, "The certificate authority '\(commonName)' could not be made.", cause: error)
        }
    }
}

extension DistinguishedName {
    /// Organizations first, as kubeadm and OpenSSL write it; Go reads them in any order.
    init(commonName: String, organizations: [String]) throws {
        self.init(try organizations.map { try OrganizationName($0).makeRDN() } + [try CommonName(commonName).makeRDN()])
    }
}

extension Certificate.SerialNumber {
    /// 126 random bits after two fixed ones, which keep the number positive and always 16 bytes long.
    static func random() -> Certificate.SerialNumber {
        var generator = SystemRandomNumberGenerator()
        var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        bytes[0] = bytes[0] & 0x3f | 0x40
        return Certificate.SerialNumber(bytes: bytes)
    }
}

extension Certificate {
    func pemText() throws -> String { try serializeAsPEM().pemString.endingInNewline }
}

extension String {
    /// PEM texts are concatenated into bundles, where a missing newline would join two lines.
    var endingInNewline: String { hasSuffix("\n") ? self : self + "\n" }
}
