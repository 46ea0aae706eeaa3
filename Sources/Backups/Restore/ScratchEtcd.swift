import EtcdClient
import FleetModel
import Foundation
import Glibc
import PKI
import Subprocess
import SystemPackage
import Timing

/// An etcd of one member on loopback, for a look at restored data. Only who has its certificates, made for this one run, can
/// talk to it, and it ends with whoever started it, however that ends.
struct ScratchEtcd: Sendable {
    let program: String
    /// Of its own: certificates and the log.
    let directory: String
    let time: TimeSource

    static let memberName = "scratch"

    /// - Parameters:
    ///   - restore: makes the data directory for the member; gets its peer URL.
    ///   - body: the etcd serves meanwhile.
    func with<Result: Sendable>(
        restore: @Sendable (_ dataDirectory: String, RestoredMember) async throws -> Void,
        _ body: @escaping @Sendable (EtcdClient) async throws -> Result
    ) async throws -> Result {
        let (client, peer) = try Self.freePorts()
        let member = RestoredMember(name: Self.memberName, peerURL: "https://127.0.0.1:\(peer)")
        let data = "\(directory)/data"
        try await restore(data, member)
        let identity = try certificates()
        let arguments = [
            "--name=\(Self.memberName)", "--data-dir=\(data)", "--listen-client-urls=https://127.0.0.1:\(client)",
            "--advertise-client-urls=https://127.0.0.1:\(client)", "--listen-peer-urls=\(member.peerURL)",
            "--initial-advertise-peer-urls=\(member.peerURL)", "--initial-cluster=\(member.name)=\(member.peerURL)",
            "--cert-file=\(directory)/own.crt", "--key-file=\(directory)/own.key", "--trusted-ca-file=\(directory)/ca.crt",
            "--client-cert-auth=true", "--peer-cert-file=\(directory)/own.crt", "--peer-key-file=\(directory)/own.key",
            "--peer-trusted-ca-file=\(directory)/ca.crt", "--peer-client-cert-auth=true", "--logger=zap",
            "--quota-backend-bytes=17179869184", "--log-outputs=\(directory)/log",
        ]
        return try await running(arguments) {
            let configuration = EtcdConfiguration(
                endpoints: [EtcdEndpoint(host: "127.0.0.1", port: client)], tls: identity, timeout: .seconds(60))
            return try await EtcdClient.with(configuration) { client in
                try await waitUntilHealthy(client)
                return try await body(client)
            }
        }
    }

    /// A shell stands between: it ends etcd as soon as its input does, and its input ends with this process.
    private func running<Result: Sendable>(_ arguments: [String], _ body: @escaping @Sendable () async throws -> Result) async throws
        -> Result
    {
        var ends: [Int32] = [0, 0]
        // A pair of sockets is closed in every other child from the start; a pipe would be only a moment later.
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Files.failure("make a channel to", program)
        }
        let (reading, writing) = (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
        let script = #"program=$1; shift; "$program" "$@" & process=$!; cat >/dev/null; kill -9 $process; wait $process; exit 0"#
        let command = ["-c", script, "sh", program] + arguments
        return try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                // Not cancelled with the others: it ends by itself once its input is closed.
                _ = try await Task {
                    try await Subprocess.run(
                        .path("/bin/sh"), arguments: Arguments(command), environment: .custom(["PATH": "/usr/bin:/bin"]),
                        input: .fileDescriptor(reading, closeAfterSpawningProcess: true), output: .discarded, error: .discarded)
                }.value
                return nil
            }
            group.addTask {
                defer { try? writing.close() }
                return try await body()
            }
            var result: Result?
            while let next = try await group.next() { result = next ?? result }
            guard let result else { throw CancellationError() }
            return result
        }
    }

    private func waitUntilHealthy(_ client: EtcdClient) async throws {
        let deadline = time.uptime + .seconds(120)
        while true {
            if let status = try? await client.status(), status.leader != nil { return }
            try Task.checkCancellation()
            guard time.uptime < deadline else {
                let said = Files.text("\(directory)/log").map { String(decoding: $0.suffix(800), as: UTF8.self) } ?? ""
                throw BackupError(.tool, "An etcd for looking at the restored data does not start: \(said)")
            }
            try await time.sleep(for: .milliseconds(50))
        }
    }

    private func certificates() throws -> EtcdTLS {
        let now = time.now
        let authority = try CertificateAuthority.make(commonName: "slipway-scratch", now: now, lifetime: 86_400)
        let loopback = IPv4Address(bits: 0x7f00_0001)
        let own = try CertificateIssuer(authority, lifetime: 86_400).issue(
            CertificateRequest(commonName: "scratch", dnsNames: ["localhost"], addresses: [loopback], usage: .both), now: now)
        for (name, text) in [("ca.crt", authority.certificatePEM), ("own.crt", own.certificatePEM), ("own.key", own.privateKeyPEM)] {
            try Files.replace("\(directory)/\(name)", Array(text.utf8))
        }
        return EtcdTLS(
            certificateAuthority: .pem(authority.certificatePEM),
            identity: (certificate: .pem(own.certificatePEM), privateKey: .pem(own.privateKeyPEM)))
    }

    /// Two ports of loopback that nobody listens on just now.
    private static func freePorts() throws -> (Int, Int) {
        var sockets: [Int32] = []
        defer { for socket in sockets { close(socket) } }
        let ports = try (0..<2).map { _ in
            let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            guard handle >= 0 else { throw Files.failure("make", "a socket") }
            sockets.append(handle)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let outcome = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                    bind(handle, generic, length) == 0 ? getsockname(handle, generic, &length) : -1
                }
            }
            guard outcome == 0 else { throw Files.failure("find", "a free port") }
            return Int(UInt16(bigEndian: address.sin_port))
        }
        return (ports[0], ports[1])
    }
}
