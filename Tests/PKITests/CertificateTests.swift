import FleetModel
import Foundation
import PKI
import SwiftASN1
import Testing
@_spi(FixedExpiryValidationTime) import X509

@Suite struct CertificateTests {
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func verify(_ leaf: KeyPair, by authority: CertificateAuthority, at time: Date) async throws -> Bool {
        let roots = CertificateStore([try Certificate(pemEncoded: authority.certificatePEM)])
        var verifier = Verifier(rootCertificates: roots) { RFC5280Policy(fixedExpiryValidationTime: time) }
        let result = await verifier.validate(leaf: try Certificate(pemEncoded: leaf.certificatePEM), intermediates: CertificateStore())
        if case .validCertificate = result { return true }
        return false
    }

    @Test func aLeafVerifiesAgainstItsOwnAuthorityOnly() async throws {
        let first = try CertificateAuthority.make(commonName: "ca", organization: "demo", now: now)
        let second = try CertificateAuthority.make(commonName: "ca", organization: "demo", now: now)
        let leaf = try CertificateIssuer(first).issue(CertificateRequest(commonName: "x", usage: .client), now: now)
        #expect(try await verify(leaf, by: first, at: now))
        #expect(try await !verify(leaf, by: second, at: now))
    }

    @Test func validityBeginsFiveMinutesBeforeAndEndsWithTheLifetime() async throws {
        let authority = try CertificateAuthority.make(commonName: "ca", now: now)
        let leaf = try CertificateIssuer(authority, lifetime: 3600).issue(CertificateRequest(commonName: "x", usage: .client), now: now)
        let details = try CertificateDetails(pem: leaf.certificatePEM)
        #expect(details.notValidBefore == now.addingTimeInterval(-300))
        #expect(details.notValidAfter == now.addingTimeInterval(3600))
        #expect(try CertificateDetails.expiry(ofPEM: authority.certificatePEM) == now.addingTimeInterval(10 * 365 * 86_400))
        #expect(try await verify(leaf, by: authority, at: now.addingTimeInterval(-299)))
        #expect(try await !verify(leaf, by: authority, at: now.addingTimeInterval(3601)))
    }

    @Test func aLeafDoesNotOutliveItsAuthority() throws {
        let authority = try CertificateAuthority.make(commonName: "ca", now: now, lifetime: 60)
        let leaf = try CertificateIssuer(authority).issue(CertificateRequest(commonName: "x", usage: .client), now: now)
        #expect(try CertificateDetails.expiry(ofPEM: leaf.certificatePEM) == now.addingTimeInterval(60))
    }

    @Test func namesAddressesAndUsageAreInTheCertificate() throws {
        let authority = try CertificateAuthority.make(commonName: "ca", now: now)
        let address = try IPv4Address("100.66.0.2")
        let pair = try CertificateIssuer(authority).issue(
            CertificateRequest(
                commonName: "user", organizations: ["system:masters", "b"], dnsNames: ["kubernetes", "localhost"], addresses: [address],
                usage: .both), now: now)
        let leaf = try Certificate(pemEncoded: pair.certificatePEM)
        let names = try #require(try leaf.extensions.subjectAlternativeNames)
        #expect(
            Array(names) == [
                .dnsName("kubernetes"), .dnsName("localhost"), .ipAddress(ASN1OctetString(contentBytes: [100, 66, 0, 2])),
            ])
        let usage = try #require(try leaf.extensions.extendedKeyUsage)
        #expect(usage.contains(.serverAuth) && usage.contains(.clientAuth))
        #expect(try CertificateDetails(pem: pair.certificatePEM).subject == "CN=user,O=b,O=system:masters")
    }

    @Test func serialNumbersAreSixteenRandomBytes() throws {
        let issuer = try CertificateIssuer(try CertificateAuthority.make(commonName: "ca", now: now))
        let serials = try (0..<20).map { _ in
            try Certificate(pemEncoded: try issuer.issue(CertificateRequest(commonName: "x", usage: .client), now: now).certificatePEM)
                .serialNumber
        }
        #expect(Set(serials).count == 20)
        #expect(serials.allSatisfy { $0.bytes.count == 16 })
    }

    @Test func aClusterHasThreeAuthorities() async throws {
        let credentials = try ClusterCredentials.make(cluster: try ClusterName("demo"), now: now)
        let again = try JSONDecoder().decode(ClusterCredentials.self, from: try JSONEncoder().encode(credentials))
        #expect(again == credentials)
        #expect(credentials.sharedSecret.count == 32)
        let user = try credentials.clientCertificate(user: "ada", groups: ["g"], now: now, lifetime: 600)
        #expect(try await verify(user, by: credentials.clusterAuthority, at: now))
        #expect(try await !verify(user, by: credentials.frontProxyAuthority, at: now))
        #expect(try CertificateDetails.expiry(ofPEM: user.certificatePEM) == now.addingTimeInterval(600))
        let etcd = try credentials.etcdClientCertificate(user: "x", now: now)
        #expect(try await verify(etcd, by: credentials.etcdAuthority, at: now))
    }

    @Test func brokenInputIsNamed() throws {
        #expect(throws: PKIError.self) { try CertificateDetails(pem: "nothing") }
        var authority = try CertificateAuthority.make(commonName: "ca", now: now)
        authority.privateKeyPEM = "nothing"
        #expect { _ = try CertificateIssuer(authority) } throws: { ($0 as? PKIError)?.code == .invalidKey }
    }
}
