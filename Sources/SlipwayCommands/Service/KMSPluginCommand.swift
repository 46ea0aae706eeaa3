import ArgumentParser
import Foundation
import KMSPlugin
import Logging
import Observability
import ServiceLifecycle
import UnixSignals

/// `slipway kms-plugin`: runs beside each API server of a cluster whose secrets are encrypted, started by Slipway itself.
struct KMSPluginCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kms-plugin", abstract: "Encrypt and decrypt for one API server.", shouldDisplay: false)

    @Option(help: "The Unix socket to listen on.")
    var socket: String

    @Option(help: "JSON, written by Slipway.")
    var config: String

    func run() async throws {
        do {
            LoggingSystem.bootstrap { JSONLogHandler(label: $0) }
            let logger = Logger(label: "slipway.kms-plugin")
            let service = try KMSPluginService(
                socket: socket, configuration: try KMSPluginConfiguration(file: config), logger: logger)
            var configuration = ServiceGroupConfiguration(
                services: [service], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            // API servers keep their connection open for ever.
            configuration.maximumGracefulShutdownDuration = .seconds(2)
            try await ServiceGroup(configuration: configuration).run()
        } catch { throw CommandError(error) }
    }
}
