import FleetModel
import Foundation
import Kubernetes
import NIOCore
import NIOPosix
import NIOSSL
import Planning
import Timing

/// The connection to one instance, and the question that is under way on it. Lives on one event loop.
final class ProbeLine {
    let address: IPv4Address
    let tls: NIOSSLContext
    private let loop: any EventLoop
    private let time: TimeSource
    private let port: UInt16
    private let request: String

    private var channel: (any Channel)?
    /// Tells events of this connection from those of one that was given up.
    private var attempt = 0
    private var isConnected = false
    /// When the present attempt to connect or to ask began.
    private var triedAt = Duration.zero
    /// Of the oldest question that nobody has answered.
    private var askedAt: Duration?
    private var answers: [Duration] = []
    private var isRefused = false
    private var resent = 0
    private var resentBefore = 0
    /// So many looks in a row found nothing unusual.
    private var calmLooks = 0
    /// Neighbours are asked in turns, so that in each zone somebody is asked at each look.
    private let turn: Int

    /// TCP doubles the time between its tries: after a while it is quicker to begin anew.
    private static let deafPatience = Duration.seconds(1)
    /// A stopped process answers on the same connection when it goes on.
    private static let silentPatience = Duration.seconds(5)
    /// An answer that took longer may have been sent again: then the kernel is asked.
    private static let unusual = Duration.milliseconds(100)
    /// After fifteen seconds without anything unusual only every second look asks: a question costs more than all the rest.
    private static let calmAfter = 60

    init(_ endpoint: ProbeEndpoint, tls: NIOSSLContext, loop: any EventLoop, time: TimeSource) {
        address = endpoint.address
        turn = Int(endpoint.address.bits & 1)
        self.tls = tls
        self.loop = loop
        self.time = time
        let isEtcd = endpoint.subject.role == .etcd
        port = isEtcd ? KubernetesEndpoints.etcdMetricsPort : KubernetesEndpoints.apiServerPort
        // Nobody else is to be asked for the answer: etcd, or a KMS plugin that is stuck.
        let plugins = endpoint.cluster.spec.encryption?.sealingOrder.indices.map { "&exclude=kms-provider-\($0)" } ?? []
        let path = isEtcd ? "/alive" : "/livez?exclude=etcd" + plugins.joined()
        request = "GET \(path) HTTP/1.1\r\nHost: \(endpoint.address)\r\nUser-Agent: slipway\r\nAccept: */*\r\n\r\n"
    }

    /// What is known, and the next step.
    func look() -> ProbeSample {
        let now = time.uptime
        var sample = ProbeSample(answers: answers, isRefused: isRefused)
        if let askedAt {
            let information = isConnected ? tcpInformation() : nil
            sample.silence = now - askedAt
            sample.isDelivered = isConnected && information?.unacknowledged == 0
            if let information { note(information) }
        }
        sample.resent = resent
        let isCalm = sample.silence <= Self.unusual && !isRefused && resent == 0 && answers.allSatisfy { $0 <= Self.unusual }
        calmLooks = isCalm ? calmLooks + 1 : 0
        answers = []
        resent = 0
        // A refusal is news for one look; the next one asks again.
        isRefused = false
        goOn(now, isDelivered: sample.isDelivered)
        return sample
    }

    private func goOn(_ now: Duration, isDelivered: Bool) {
        guard let channel else { return connect(now) }
        if askedAt == nil {
            if calmLooks >= Self.calmAfter, calmLooks % 2 == turn { return }
            askedAt = now
            triedAt = now
            return ask(channel)
        }
        if now - triedAt > (isDelivered ? Self.silentPatience : Self.deafPatience) {
            close()
            connect(now)
        }
    }

    func close() {
        attempt += 1
        isConnected = false
        channel?.close(mode: .all, promise: nil)
        channel = nil
    }

    private func connect(_ now: Duration) {
        guard let place = try? SocketAddress(ipAddress: "\(address)", port: Int(port)) else { return }
        attempt += 1
        isConnected = false
        resentBefore = 0
        triedAt = now
        askedAt = askedAt ?? now
        let (own, line) = (attempt, NIOLoopBound(self, eventLoop: loop))
        ClientBootstrap(group: loop)
            .connectTimeout(.seconds(2))
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let line = line.value
                    guard line.attempt == own else { throw ChannelError.ioOnClosedChannel }
                    line.channel = channel
                    let handler = try NIOSSLClientHandler(context: line.tls, serverHostname: nil)
                    try channel.pipeline.syncOperations.addHandlers([handler, ProbeHandler(line: line, attempt: own)])
                }
            }
            .connect(to: place)
            .whenFailure { line.value.failed($0, attempt: own) }
    }

    private func ask(_ channel: any Channel) {
        channel.writeAndFlush(channel.allocator.buffer(string: request), promise: nil)
    }

    // MARK: What the connection says

    fileprivate func connected(attempt: Int) {
        guard attempt == self.attempt, let channel else { return }
        isConnected = true
        ask(channel)
    }

    fileprivate func answered(attempt: Int) {
        guard attempt == self.attempt, let askedAt else { return }
        let took = time.uptime - askedAt
        answers.append(took)
        self.askedAt = nil
        if took > Self.unusual, let information = tcpInformation() { note(information) }
    }

    fileprivate func failed(_ error: any Error, attempt: Int) {
        guard attempt == self.attempt else { return }
        if let error = error as? IOError, error.errnoCode == ECONNREFUSED || error.errnoCode == ECONNRESET {
            isRefused = true
            askedAt = nil
        } else if !(error is IOError), !(error is ChannelError), error as? NIOSSLError != .uncleanShutdown {
            // Whoever disputes about TLS lives.
            answered(attempt: attempt)
        }
        channel = nil
        isConnected = false
    }

    /// The other side closed it, or nobody is there any more: then a new one is refused.
    fileprivate func ended(attempt: Int) {
        guard attempt == self.attempt else { return }
        channel = nil
        isConnected = false
        if askedAt != nil { connect(time.uptime) }
    }

    // MARK: The kernel's view

    private struct TCPInformation {
        var unacknowledged: UInt32
        var sentAgain: UInt32
    }

    private func tcpInformation() -> TCPInformation? {
        guard let provider = channel as? any SocketOptionProvider else { return nil }
        var found: TCPInformation?
        let box = NIOLoopBoundBox<TCPInformation?>(nil, eventLoop: loop)
        // On the channel's own loop the future is done at once.
        provider.getTCPInfo().whenSuccess { information in
            box.value = TCPInformation(unacknowledged: information.tcpi_unacked, sentAgain: information.tcpi_total_retrans)
        }
        found = box.value
        return found
    }

    private func note(_ information: TCPInformation) {
        let count = Int(information.sentAgain)
        if count > resentBefore { resent += count - resentBefore }
        resentBefore = count
    }
}

/// Tells its line what happens on one connection. An answer begins with its status line; the rest of it is of no interest.
private final class ProbeHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let line: ProbeLine
    private let attempt: Int
    private static let start = Array("HTTP/1.".utf8)

    init(line: ProbeLine, attempt: Int) {
        self.line = line
        self.attempt = attempt
    }

    func channelActive(context: ChannelHandlerContext) {
        line.connected(attempt: attempt)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if unwrapInboundIn(data).readableBytesView.starts(with: Self.start) { line.answered(attempt: attempt) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        line.ended(attempt: attempt)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        line.failed(error, attempt: attempt)
        context.close(promise: nil)
    }
}
