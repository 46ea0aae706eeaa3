import AsyncHTTPClient
import Fleet
import FleetModel
import FleetStore
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import PKI
import Planning
import Testing
import Timing

/// The real probe against sockets of this machine's loopback network.
@Suite struct LiveZoneProbeTests {
    private struct Bench {
        let cluster: Cluster
        let credentials: ClusterCredentials
        let probe: LiveZoneProbe
        let endpoint: ProbeEndpoint
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

        /// - Parameter host: the last byte of the address, so that tests do not meet.
        init(host: UInt32) async throws {
            let store = MemoryStore(time: .system)
            let spec = ControlPlaneSpec(
                release: ReleaseID(rawValue: "1.33.4-eks.1"), version: try KubernetesVersion("1.33.4"), zones: [],
                network: ClusterNetwork(block: try IPv4Block("100.66.0.0/27")))
            cluster = Cluster(
                name: try ClusterName("demo"), cell: CellName(rawValue: "a"),
                metadata: Metadata(uid: "1", createdAt: TimeSource.system.now),
                spec: ClusterSpec(controlPlane: spec, settings: ClusterSettings(roleARN: "", subnetIDs: [], creatorARN: "")))
            try await store.create(cluster)
            let keeper = CredentialStore(store: store, box: SecretBox(current: .random()), time: .system)
            credentials = try await keeper.credentials(of: cluster)
            probe = LiveZoneProbe(
                loop: loops.next(), identities: ProbeIdentities(credentials: keeper, time: .system), client: HTTPClient.shared,
                time: .system)
            let subject = ProbeSubject(cluster: cluster.name, instance: "api-1", role: .apiServer, zone: ZoneName(rawValue: "z"))
            endpoint = ProbeEndpoint(subject: subject, address: IPv4Address(bits: 127 << 24 | 71 << 16 | host), cluster: cluster)
        }

        func look() async throws -> ProbeSample { try #require(await probe.look(at: [endpoint])[endpoint.subject]) }

        /// Looks until it is so.
        func look(until isSo: (ProbeSample) -> Bool) async throws {
            let deadline = TimeSource.system.uptime + .seconds(120)
            while TimeSource.system.uptime < deadline {
                if isSo(try await look()) { return }
                try await TimeSource.system.sleep(for: .milliseconds(50))
            }
            Issue.record("never")
        }

        func end() async throws {
            _ = await probe.look(at: [])
            try await loops.shutdownGracefully()
        }

        /// A server that answers each request.
        func serve() async throws -> any Channel {
            let pair = try CertificateIssuer(credentials.clusterAuthority).issue(
                CertificateRequest(commonName: "server", addresses: [endpoint.address], usage: .server), now: TimeSource.system.now)
            let context = try NIOSSLContext(
                configuration: .makeServerConfiguration(
                    certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(pair.certificatePEM.utf8)).map { .certificate($0) },
                    privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(pair.privateKeyPEM.utf8), format: .pem))))
            return try await ServerBootstrap(group: loops)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandlers([NIOSSLServerHandler(context: context), Answering()])
                    }
                }
                .bind(host: "\(endpoint.address)", port: 6443).get()
        }
    }

    private final class Answering: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
            context.writeAndFlush(wrapOutboundOut(context.channel.allocator.buffer(string: text)), promise: nil)
        }
    }

    @Test func answersAreCountedOnOneConnection() async throws {
        let bench = try await Bench(host: 1)
        let server = try await bench.serve()
        var answers = 0
        try await bench.look {
            answers += $0.answers.count
            return answers >= 5
        }
        try await server.close()
        try await bench.end()
    }

    /// Then not every look costs a question.
    @Test func whoAlwaysAnswersIsAskedLessOften() async throws {
        let bench = try await Bench(host: 4)
        let server = try await bench.serve()
        try await bench.look { !$0.answers.isEmpty }
        try await bench.look { $0 == ProbeSample() }
        try await bench.look { !$0.answers.isEmpty }
        try await bench.look { $0 == ProbeSample() }
        try await server.close()
        try await bench.end()
    }

    @Test func nobodyThereIsARefusal() async throws {
        let bench = try await Bench(host: 2)
        try await bench.look { $0.isRefused }
        try await bench.end()
    }

    @Test func aProcessThatIsStoppedTakesTheQuestionAndIsSilent() async throws {
        let bench = try await Bench(host: 3)
        // Its kernel takes connections; nobody ever accepts one.
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = UInt16(6443).bigEndian
        place.sin_addr.s_addr = bench.endpoint.address.bits.bigEndian
        let isBound = withUnsafePointer(to: &place) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        #expect(isBound == 0 && listen(descriptor, 16) == 0)
        try await bench.look { $0.silence > .milliseconds(400) && $0.isDelivered && !$0.isRefused }
        try await bench.end()
    }
}
