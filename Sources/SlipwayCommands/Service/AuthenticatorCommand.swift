import ArgumentParser
import Authenticator
import Foundation
import Logging
import Observability
import ServiceLifecycle
import Timing
import UnixSignals

/// `slipway authenticator`: runs beside each API server, started by Slipway itself.
struct AuthenticatorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "authenticator", abstract: "Check the tokens of one cluster.", shouldDisplay: false)

    @Option(help: "JSON, written by Slipway.")
    var config: String

    func run() async throws {
        do {
            LoggingSystem.bootstrap { JSONLogHandler(label: $0) }
            let logger = Logger(label: "slipway.authenticator")
            let service = AuthenticatorService(
                configuration: try AuthenticatorConfiguration(file: config), now: { TimeSource.system.now }, logger: logger)
            try await ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [service], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            ).run()
        } catch { throw CommandError(error) }
    }
}
