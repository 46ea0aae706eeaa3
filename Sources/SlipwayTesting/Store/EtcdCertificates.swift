import EtcdClient
import Foundation

/// An authority, a server's and a client's certificate, made by openssl for one test.
struct EtcdCertificates: Sendable {
    private let directory: URL
    private let serverName: String?

    init(in directory: URL, for identity: EtcdFixture.ServerIdentity) throws {
        self.directory = directory
        let subject: String
        switch identity {
        case .address: (subject, serverName) = ("IP:127.0.0.1", nil)
        case .name(let name): (subject, serverName) = ("DNS:\(name)", name)
        }
        let settings = """
            [req]
            distinguished_name = name
            prompt = no
            [name]
            CN = slipway test
            [authority]
            basicConstraints = critical, CA:TRUE
            keyUsage = critical, keyCertSign, cRLSign
            subjectKeyIdentifier = hash
            [leaf]
            basicConstraints = critical, CA:FALSE
            keyUsage = critical, digitalSignature
            extendedKeyUsage = serverAuth, clientAuth
            subjectAltName = \(subject)
            """
        try settings.write(to: directory.appending(path: "openssl.cnf"), atomically: true, encoding: .utf8)
        try make("ca", section: "authority", signed: [])
        let signed = ["-CA", path("ca.pem"), "-CAkey", path("ca.key")]
        try make("server", section: "leaf", signed: signed)
        try make("client", section: "leaf", signed: signed)
    }

    /// etcd's.
    var options: [String] {
        [
            "--cert-file", path("server.pem"), "--key-file", path("server.key"), "--trusted-ca-file", path("ca.pem"),
            "--client-cert-auth",
        ]
    }

    var client: EtcdTLS {
        EtcdTLS(
            certificateAuthority: .file(path("ca.pem")), identity: (.file(path("client.pem")), .file(path("client.key"))),
            serverName: serverName)
    }

    private func path(_ name: String) -> String { directory.appending(path: name).path }

    private func make(_ name: String, section: String, signed: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments =
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                "/CN=slipway \(name)", "-config", path("openssl.cnf"), "-extensions", section, "-keyout", path("\(name).key"), "-out",
                path("\(name).pem"),
            ] + signed
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw EtcdFixture.Failure(description: "openssl could not make '\(name)': \(String(decoding: text, as: UTF8.self))")
        }
    }
}
