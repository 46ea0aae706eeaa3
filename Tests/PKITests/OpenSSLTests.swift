import FleetModel
import Foundation
import PKI
import Testing

/// A second opinion on what we sign: OpenSSL, which HAProxy and most clients use.
@Suite struct OpenSSLTests {
    @Test(arguments: [("sslserver", CertificateRequest.Usage.server), ("sslclient", .client)])
    func openSSLAcceptsLeafs(_ purpose: String, _ usage: CertificateRequest.Usage) throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "slipway-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        // OpenSSL asks the machine's clock.
        let now = Date()
        let authority = try CertificateAuthority.make(commonName: "ca", organization: "demo", now: now)
        let leaf = try CertificateIssuer(authority).issue(
            CertificateRequest(
                commonName: "x", dnsNames: ["kubernetes"], addresses: [try IPv4Address("10.100.0.1")], usage: usage), now: now)
        let names = ["ca.crt": authority.certificatePEM, "leaf.crt": leaf.certificatePEM, "leaf.key": leaf.privateKeyPEM]
        for (name, text) in names { try Data(text.utf8).write(to: directory.appending(path: name)) }
        let file = { (name: String) in directory.appending(path: name).path }

        let names1 = ["-verify_ip", "10.100.0.1", "-verify_hostname", "kubernetes"]
        let verified = try openssl(
            ["verify", "-x509_strict", "-purpose", purpose, "-CAfile", file("ca.crt")] + names1 + [file("leaf.crt")])
        #expect(verified.status == 0, "\(verified.output)")
        let other = usage == .server ? "sslclient" : "sslserver"
        #expect(try openssl(["verify", "-purpose", other, "-CAfile", file("ca.crt"), file("leaf.crt")]).status != 0)
        let fromKey = try openssl(["pkey", "-in", file("leaf.key"), "-pubout"])
        let fromCertificate = try openssl(["x509", "-in", file("leaf.crt"), "-noout", "-pubkey"])
        #expect(fromKey.status == 0)
        #expect(fromKey.output == fromCertificate.output)
    }

    private func openssl(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}
