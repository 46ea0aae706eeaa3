import FleetModel
import Foundation
import PKI
import Timing

/// The region's own etcd: one member under s6 on the loopback interface, mutual TLS, in the region's data directory.
public struct EmbeddedStore: Sendable {
    /// Absolute: holds the certificates, the program and the data.
    public let directory: String
    public let clientPort: Int
    public let peerPort: Int
    private let time: TimeSource

    /// What s6 calls it.
    public static let serviceName = "slipway-store"

    public init(directory: String, clientPort: Int, peerPort: Int, time: TimeSource = .system) {
        self.directory = directory
        self.clientPort = clientPort
        self.peerPort = peerPort
        self.time = time
    }

    /// How to reach it.
    public func configuration() -> StoreConfiguration {
        StoreConfiguration(
            endpoints: ["https://127.0.0.1:\(clientPort)"], certificateAuthority: "\(directory)/pki/ca.crt",
            certificate: "\(directory)/pki/client.crt", key: "\(directory)/pki/client.key")
    }

    /// Makes what is missing and starts it under `tree`, which runs. A member that runs is left alone.
    /// - Parameter program: an etcd program whose content was checked.
    public func ensure(in tree: SupervisionTree, program: String, logDirectory: String) async throws {
        try ensureCertificates()
        let installed = try installProgram(from: program)
        try FileManager.default.createDirectory(
            atPath: "\(directory)/data", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try await tree.ensure(
            SupervisedService(name: Self.serviceName, command: [installed] + arguments, logDirectory: "\(logDirectory)/store"))
    }

    private var arguments: [String] {
        let client = "https://127.0.0.1:\(clientPort)"
        let peer = "https://127.0.0.1:\(peerPort)"
        let pki = "\(directory)/pki"
        return [
            "--name=\(Self.serviceName)", "--data-dir=\(directory)/data",
            "--listen-client-urls=\(client)", "--advertise-client-urls=\(client)",
            "--listen-peer-urls=\(peer)", "--initial-advertise-peer-urls=\(peer)", "--initial-cluster=\(Self.serviceName)=\(peer)",
            "--client-cert-auth", "--trusted-ca-file=\(pki)/ca.crt", "--cert-file=\(pki)/server.crt", "--key-file=\(pki)/server.key",
            "--peer-client-cert-auth", "--peer-trusted-ca-file=\(pki)/ca.crt", "--peer-cert-file=\(pki)/server.crt",
            "--peer-key-file=\(pki)/server.key",
            // Watches resume within an hour; after that they list again.
            "--auto-compaction-mode=periodic", "--auto-compaction-retention=1h", "--quota-backend-bytes=4294967296",
            "--log-level=warn", "--logger=zap",
        ]
    }

    /// The program is copied, so that removing a release does not take the store's program away.
    private func installProgram(from program: String) throws -> String {
        let target = "\(directory)/bin/etcd"
        do {
            try FileManager.default.createDirectory(atPath: "\(directory)/bin", withIntermediateDirectories: true)
            if !FileManager.default.contentsEqual(atPath: program, andPath: target) {
                let draft = "\(target).new"
                try? FileManager.default.removeItem(atPath: draft)
                try FileManager.default.copyItem(atPath: program, toPath: draft)
                guard chmod(draft, 0o755) == 0, rename(draft, target) == 0 else {
                    throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO)
                }
            }
            return target
        } catch {
            throw ServerError(.failed, "The store's program could not be put at \(target).", cause: error)
        }
    }

    /// Certificates with less than 30 days to go are made anew at start; etcd reads them for each connection.
    private func ensureCertificates() throws {
        let pki = "\(directory)/pki"
        do {
            try FileManager.default.createDirectory(
                atPath: pki, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let authority = try ensureAuthority(pki)
            let issuer = try CertificateIssuer(authority)
            try ensureLeaf(
                "\(pki)/server", issuer,
                CertificateRequest(
                    commonName: "slipway-store", dnsNames: ["localhost"], addresses: [try IPv4Address("127.0.0.1")], usage: .both))
            try ensureLeaf("\(pki)/client", issuer, CertificateRequest(commonName: "slipway", usage: .client))
        } catch let error as ServerError {
            throw error
        } catch {
            throw ServerError(.failed, "The store's certificates in \(pki) could not be made.", cause: error)
        }
    }

    private func ensureAuthority(_ pki: String) throws -> CertificateAuthority {
        if let certificate = try? String(contentsOfFile: "\(pki)/ca.crt", encoding: .utf8),
            let key = try? String(contentsOfFile: "\(pki)/ca.key", encoding: .utf8)
        {
            return CertificateAuthority(certificatePEM: certificate, privateKeyPEM: key)
        }
        let authority = try CertificateAuthority.make(commonName: "slipway-store-ca", now: time.now)
        // The key last: the pair counts only with both.
        try PlainFile.write(authority.certificatePEM, to: "\(pki)/ca.crt", mode: 0o644)
        for name in ["server.crt", "client.crt"] { unlink("\(pki)/\(name)") }
        try PlainFile.write(authority.privateKeyPEM, to: "\(pki)/ca.key")
        return authority
    }

    private func ensureLeaf(_ path: String, _ issuer: CertificateIssuer, _ request: CertificateRequest) throws {
        let known = try? String(contentsOfFile: "\(path).crt", encoding: .utf8)
        if let known, let end = try? CertificateDetails.expiry(ofPEM: known), end > time.now.addingTimeInterval(30 * 86_400) { return }
        let pair = try issuer.issue(request, now: time.now)
        try PlainFile.write(pair.privateKeyPEM, to: "\(path).key")
        try PlainFile.write(pair.certificatePEM, to: "\(path).crt", mode: 0o644)
    }
}
