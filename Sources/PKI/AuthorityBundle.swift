import SwiftASN1
import X509

/// Certificates of authorities that are trusted together.
public struct AuthorityBundle: Hashable, Sendable {
    /// PEM, one certificate or more.
    public let pem: String

    /// - Throws: `PKIError` (`invalidCertificate`) when there is no certificate in the text, or one that cannot be read.
    public init(pem: String) throws {
        let documents: [PEMDocument]
        do {
            documents = try PEMDocument.parseMultiple(pemString: pem)
            for document in documents { _ = try Certificate(pemDocument: document) }
        } catch {
            throw PKIError(.invalidCertificate, "These are not certificates in PEM form.", cause: error)
        }
        guard !documents.isEmpty else { throw PKIError(.invalidCertificate, "There is no certificate in PEM form.") }
        self.pem = pem.endingInNewline
    }
}
