import AsyncHTTPClient
import FleetModel
import FleetStore
import Foundation
import Hummingbird
import Identity
import Logging
import Metrics
import Observability
import PKI
import Releases
import ServiceLifecycle
import Substrate
import Timing
import UnixSignals

/// One replica of a region's service, put together: store, identity, cells, and the listener last.
public struct RegionServer: Sendable {
    public let configuration: RegionConfiguration
    let time: TimeSource
    let logger: Logger
    let registry: PrometheusRegistry

    public init(configuration: RegionConfiguration, registry: PrometheusRegistry, time: TimeSource = .system, logger: Logger) {
        self.configuration = configuration
        self.registry = registry
        self.time = time
        self.logger = logger
    }

    /// Sets the process up (logs, metrics, limits, lock) and serves until SIGTERM or SIGINT. Once a process.
    public static func runUntilStopped(_ configuration: RegionConfiguration) async throws {
        try configuration.check()
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        let level = Logger.Level(rawValue: configuration.log.level) ?? .info
        let format = configuration.log.format
        LoggingSystem.bootstrap { label -> any LogHandler in
            switch format {
            case .json: JSONLogHandler(label: label, level: level)
            case .text: TextLogHandler(level: level)
            }
        }
        ProcessLimits.raiseOpenFiles()
        try FileManager.default.createDirectory(atPath: configuration.dataDirectory, withIntermediateDirectories: true)
        // A region of `dev up` has one service. Replicas over a store of their own share a data directory; cells' leases say who
        // acts, and only the same configuration twice is a mistake.
        let files = RegionFiles(directory: configuration.dataDirectory)
        let lock = try ProcessLock(
            path: configuration.embeddedStore == nil ? files.replicaLockPath(port: configuration.listen.port) : files.serverLockPath,
            purpose: "A service already runs on \(configuration.dataDirectory)")
        try await RegionServer(configuration: configuration, registry: registry, logger: Logger(label: "slipway")).run()
        lock.release()
    }

    /// Serves until the signal; ends within 5 s of it.
    public func run() async throws {
        let parts = try await RegionParts.make(configuration, time: time, logger: logger)
        let health = RegionHealth(store: parts.store, cells: configuration.cells, time: time)
        var services = parts.services.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
        services.append(.init(service: IdentityService(identity: parts.identity)))
        services.append(
            .init(
                service: FirstAdministrator(
                    identity: parts.identity, files: RegionFiles(directory: configuration.dataDirectory),
                    secretKeyFile: configuration.secretKeyFile, health: health, time: time, logger: logger)))
        services.append(.init(service: ClusterCensus(store: parts.store, cells: configuration.cells, time: time, logger: logger)))
        for cell in configuration.cells {
            services.append(.init(service: CellLeadership(cell: cell, parts: parts, health: health)))
        }
        services.append(.init(service: try listener(parts, health)))
        var group = ServiceGroupConfiguration(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        // What has not ended by itself then is cancelled.
        group.maximumGracefulShutdownDuration = .seconds(3)
        logger.notice(
            "serving region \(configuration.region.name)",
            metadata: ["address": "\(configuration.listen.host):\(configuration.listen.port)", "version": "\(SlipwayVersion.current)"])
        do {
            try await ServiceGroup(configuration: group).run()
        } catch {
            try await parts.shutdown()
            guard error is ServiceGroupError else { throw error }
            throw ServerError(.failed, "A part of the service ended by itself.", cause: error)
        }
        try await parts.shutdown()
    }

    private func listener(_ parts: RegionParts, _ health: RegionHealth) throws -> some Service {
        let responder = try RegionResponder(parts: parts, health: health, registry: registry)
        return ListenerService(
            application: Application(
                responder: responder,
                configuration: ApplicationConfiguration(
                    address: .hostname(configuration.listen.host, port: configuration.listen.port), backlog: 1024),
                logger: Logger(label: "slipway.http")),
            listen: configuration.listen)
    }
}

/// The HTTP listener; a port that is taken is said in words.
struct ListenerService: Service {
    let application: Application<RegionResponder>
    let listen: ListenAddress

    func run() async throws {
        do {
            try await application.run()
        } catch let error where "\(error)".contains("Address already in use") {
            throw ServerError(.taken, "Port \(listen.port) on \(listen.host) is taken; choose another in the configuration.", cause: error)
        }
    }
}

/// Keeps the identity cache fed.
struct IdentityService: Service {
    let identity: IdentityStore

    func run() async throws { await cancelWhenGracefulShutdown { await identity.run() } }
}

enum ProcessLimits {
    /// A thousand clients at once need more open files than the usual 1024.
    static func raiseOpenFiles() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 65_536)
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
