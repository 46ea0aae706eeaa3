import FleetModel
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import Logging
import NIOPosix
import ServiceLifecycle

/// The KMS plugin that a cluster's API server asks to encrypt and decrypt its data keys. It knows nothing of Slipway's service: the
/// keys on its instance are all it needs (invariant 7).
///
/// Both versions of the interface are served on one socket; a Kubernetes version asks for the one that it is told of.
public struct KMSPluginService: Service {
    /// All calls are read, worked on and answered on one thread.
    private static let thread = MultiThreadedEventLoopGroup(numberOfThreads: 1)

    private let socket: String
    private let envelope: KeyEnvelope
    private let configuration: KMSPluginConfiguration
    private let logger: Logger

    /// - Parameter socket: a path, at most 107 bytes long, in a directory that nobody else may write.
    /// - Throws: `KMSPluginError` when the keys cannot be read, or others can read them.
    public init(socket: String, configuration: KMSPluginConfiguration, logger: Logger) throws {
        self.socket = socket
        self.configuration = configuration
        self.logger = logger
        let content = try PrivateFile.read(configuration.keysFile)
        let package: KeyPackage
        do {
            package = try JSONDecoder().decode(KeyPackage.self, from: content)
        } catch {
            // Not the error itself, which may cite what it could not read.
            throw KMSPluginError("The key file \(configuration.keysFile) does not hold keys as JSON.")
        }
        self.envelope = try KeyEnvelope(package)
    }

    /// Until graceful shutdown or cancellation.
    /// - Throws: `KMSPluginError` when the socket is of no use.
    public func run() async throws {
        let descriptor = try PluginSocket.listen(socket)
        let server = GRPCServer(
            transport: HTTP2ServerTransport.Posix(
                listeningSocketDescriptor: Int(descriptor), transportSecurity: .plaintext, eventLoopGroup: Self.thread),
            services: [
                KeyManagementV1(envelope: envelope, logger: logger),
                KeyManagementV2(envelope: envelope, statusVersion: configuration.statusVersion, logger: logger),
            ])
        logger.notice("serving", metadata: ["socket": "\(socket)", "key": "\(envelope.currentKeyID)"])
        try await withTaskExecutorPreference(EventLoopExecutor(Self.thread.next())) {
            try await withGracefulShutdownHandler {
                try await server.serve()
            } onGracefulShutdown: {
                server.beginGracefulShutdown()
            }
        }
    }
}
