import Foundation
import SwiftASN1
import X509

/// A certificate and its private key, both PEM; the key is PKCS #8, which Go, OpenSSL and BoringSSL all read.
public struct KeyPair: Codable, Hashable, Sendable {
    public var certificatePEM: String
    public var privateKeyPEM: String

    public init(certificatePEM: String, privateKeyPEM: String) {
        self.certificatePEM = certificatePEM
        self.privateKeyPEM = privateKeyPEM
    }
}

/// A key that signs tokens, and the public half that checks them.
public struct SigningKeyPair: Codable, Hashable, Sendable {
    public var publicKeyPEM: String
    public var privateKeyPEM: String

    public init(publicKeyPEM: String, privateKeyPEM: String) {
        self.publicKeyPEM = publicKeyPEM
        self.privateKeyPEM = privateKeyPEM
    }
}

/// What a certificate says of itself.
public struct CertificateDetails: Hashable, Sendable {
    /// Subject, in the form of RFC 4514.
    public var subject: String
    /// Of who signed it, in the same form.
    public var issuer: String
    public var notValidBefore: Date
    public var notValidAfter: Date

    /// Reads the first certificate of a PEM text.
    /// - Throws: `PKIError` (`invalidCertificate`).
    public init(pem: String) throws {
        let certificate: Certificate
        do {
            certificate = try Certificate(pemEncoded: pem)
        } catch {
            throw PKIError(.invalidCertificate, "This is not a certificate in PEM form.", cause: error)
        }
        self.subject = certificate.subject.description
        self.issuer = certificate.issuer.description
        self.notValidBefore = certificate.notValidBefore
        self.notValidAfter = certificate.notValidAfter
    }

    /// When the first certificate of a PEM text stops being valid.
    /// - Throws: `PKIError` (`invalidCertificate`).
    public static func expiry(ofPEM pem: String) throws -> Date { try CertificateDetails(pem: pem).notValidAfter }
}
