import EtcdAPI
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import ServiceLifecycle

/// A client of one etcd cluster (3.4 or later, API v3). Calls go to its endpoints in turn, and only to those that can be
/// reached. Nothing is repeated by itself: after `unavailable` only the caller knows whether doing it again is safe.
///
/// Somebody must execute `run()`; calls made before that wait for it. All calls throw `EtcdError`.
public final class EtcdClient: Service {
    typealias Transport = HTTP2ClientTransport.Posix

    private let grpc: GRPCClient<Transport>
    public let configuration: EtcdConfiguration

    /// - Throws: `EtcdError` with code `invalid` when a certificate or key cannot be read.
    public init(_ configuration: EtcdConfiguration) throws(EtcdError) {
        guard !configuration.endpoints.isEmpty else { throw EtcdError(.invalid, "An etcd client needs an endpoint.") }
        self.configuration = configuration
        do {
            var resolvers = NameResolverRegistry()
            resolvers.registerFactory(EtcdResolver())
            let transport = try Transport(
                target: EtcdTarget(endpoints: configuration.endpoints), transportSecurity: .init(configuration.tls),
                config: .defaults { config in
                    config.http2.authority = configuration.tls?.serverName
                    config.backoff = .init(initial: .milliseconds(100), max: .seconds(2), multiplier: 1.6, jitter: 0.2)
                    // Finds connections whose other end is gone without a word. etcd closes the connection of a client
                    // that asks more often than every 5 s, or without calls (`--grpc-keepalive-min-time`).
                    config.connection.keepalive = .init(time: .seconds(10), timeout: .seconds(5), allowWithoutCalls: false)
                },
                resolverRegistry: resolvers, serviceConfig: ServiceConfig(loadBalancingConfig: [.roundRobin]))
            self.grpc = GRPCClient(transport: transport)
        } catch {
            throw EtcdError(.invalid, "The TLS settings for etcd cannot be used.", cause: error)
        }
    }

    /// Keeps connections, until the task is cancelled or, gracefully, until calls under way have ended.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            try await grpc.runConnections()
        } onGracefulShutdown: {
            self.grpc.beginGracefulShutdown()
        }
    }

    /// A client for the time of `body`.
    @discardableResult
    public static func with<Result: Sendable>(
        _ configuration: EtcdConfiguration, _ body: @escaping @Sendable (EtcdClient) async throws -> Result
    ) async throws -> Result {
        let client = try EtcdClient(configuration)
        // Its end is not waited for: to take leave of one whose network loses what is sent takes many seconds.
        let connections = Task { try await client.run() }
        defer { connections.cancel() }
        return try await body(client)
    }

    // MARK: Calls

    var keyValues: Etcdserverpb_KV.Client<Transport> { .init(wrapping: grpc) }
    var watches: Etcdserverpb_Watch.Client<Transport> { .init(wrapping: grpc) }
    var leases: Etcdserverpb_Lease.Client<Transport> { .init(wrapping: grpc) }
    var members: Etcdserverpb_Cluster.Client<Transport> { .init(wrapping: grpc) }
    var maintenance: Etcdserverpb_Maintenance.Client<Transport> { .init(wrapping: grpc) }

    /// Makes one call with a time limit and turns its error into an `EtcdError`.
    func call<Result: Sendable>(
        _ name: String, timeout: Duration? = nil, _ body: (CallOptions) async throws -> Result
    ) async throws(EtcdError) -> Result {
        do {
            return try await body(options(timeout: timeout ?? configuration.timeout))
        } catch {
            let endpoints = configuration.endpoints.map(\.description).joined(separator: ", ")
            throw EtcdError(error, during: "etcd \(name) (\(endpoints))")
        }
    }

    /// - Parameter timeout: nil for a stream that has no end.
    func options(timeout: Duration?) -> CallOptions {
        var options = CallOptions.defaults
        options.timeout = timeout
        // A call made while no member can be reached waits for one, as long as its time allows.
        options.waitForReady = true
        // A page of large values is larger than gRPC's default of 4 MiB; etcd bounds what it stores.
        options.maxResponseMessageBytes = Int(Int32.max)
        // The transport takes this one for the limit of answers too (grpc-swift-nio-transport 2.9, Connection.makeStream).
        options.maxRequestMessageBytes = Int(Int32.max)
        return options
    }
}

extension HTTP2ClientTransport.Posix.TransportSecurity {
    init(_ tls: EtcdTLS?) {
        guard let tls else {
            self = .plaintext
            return
        }
        self = .tls { config in
            if let authority = tls.certificateAuthority { config.trustRoots = .certificates([.init(authority)]) }
            if let identity = tls.identity {
                config.certificateChain = [.init(identity.certificate)]
                switch identity.privateKey {
                case .file(let path): config.privateKey = .file(path: path, format: .pem)
                case .pem(let text): config.privateKey = .bytes([UInt8](text.utf8), format: .pem)
                }
            }
        }
    }
}

extension TLSConfig.CertificateSource {
    init(_ source: EtcdTLS.Source) {
        switch source {
        case .file(let path): self = .file(path: path, format: .pem)
        case .pem(let text): self = .bytes([UInt8](text.utf8), format: .pem)
        }
    }
}
