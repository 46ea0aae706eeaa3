import ArgumentParser
import FleetModel
import Foundation
import SlipwayServer
import Timing

extension RegionConfiguration.SubstrateKind: ExpressibleByArgument {}

struct DevUp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "up", abstract: "Start the region on this machine; a new one when there is none.",
        discussion: "Without --detach the service runs here until it is interrupted; clusters and store go on without it.")

    @Flag(help: "Leave the service running in the background, supervised, and return when it is ready.")
    var detach = false

    @Option(help: "Where instances live: local (this machine; root) or simulated (in memory).")
    var substrate: RegionConfiguration.SubstrateKind?

    @Option(help: "Port of the EKS, STS and operator APIs on 127.0.0.1 (default 7480).")
    var port: Int?

    @Option(help: "Port of the store on 127.0.0.1; it also takes the next one (default 2389).")
    var storePort: Int?

    @Option(help: "The region's name (default local-1); zones are it with a, b and c.")
    var region: String?

    @Option(help: "Addresses for clusters' networks (default 100.66.0.0/16).")
    var addressPool: String?

    @Option(name: .customLong("releases-dir"), help: "The directory of releases.")
    var releasesDirectory: String?

    @Option(
        name: .customLong("identity-provider-ca"),
        help: "A PEM file of the CAs that clusters' OIDC issuers are trusted by (default: those that this machine trusts).")
    var identityProviderAuthorities: String?

    @OptionGroup var directory: DataDirectoryOption
    @OptionGroup var output: OutputOptions

    /// What JSON mode prints.
    struct Report: Codable {
        var region: String
        var endpoint: String
        var dataDirectory: String
        var isNewlyStarted: Bool
    }

    func validate() throws {
        for (port, name) in [(port, "--port"), (storePort, "--store-port")] {
            if let port, !(1...65_534).contains(port) { throw ValidationError("\(name) must be 1 to 65534.") }
        }
        if let region, region.wholeMatch(of: try Regex("[a-z]([a-z0-9-]{0,30}[a-z0-9])?")) == nil {
            throw ValidationError("--region must be lower-case letters, digits and '-', such as local-1.")
        }
    }

    func run() async throws {
        do { try await up() } catch { throw CommandError(error) }
    }

    private func up() async throws {
        let console = output.console
        let start = TimeSource.system.uptime
        let dev = DevRegion(directory: directory.path) { text in
            console.note("\(console.paint(Durations.text((TimeSource.system.uptime - start).seconds).leftPadded(to: 8), .dim))  \(text)")
        }
        switch try await dev.prepare(try options()) {
        case .alreadyRunning(let configuration, let process):
            guard detach else {
                throw CommandError(
                    .failed, "The region \(configuration.region.name) is already running (process \(process)).",
                    advice: "Stop it with `slipway dev down`, or use it as it is.")
            }
            try await dev.waitUntilReady(configuration)
            try tell(configuration, isNew: false)
        case .prepared(let configuration, let lock):
            if detach {
                try await dev.startDetached(configuration)
                lock.release()
                try tell(configuration, isNew: true)
            } else {
                try await runHere(configuration, lock: lock, dev: dev)
            }
        }
    }

    private func runHere(_ configuration: RegionConfiguration, lock: ProcessLock, dev: DevRegion) async throws {
        var configuration = configuration
        configuration.log.format = output.output == .json ? .json : .text
        try await withThrowingTaskGroup(of: Void.self) { [configuration] group in
            group.addTask { try await RegionServer.runUntilStopped(configuration) }
            group.addTask {
                try await dev.waitUntilReady(configuration)
                lock.release()
                try tell(configuration, isNew: true)
            }
            // Whichever ends with an error ends both; the service ends without one when it is told to.
            defer { group.cancelAll() }
            for try await _ in group {}
        }
    }

    private func tell(_ configuration: RegionConfiguration, isNew: Bool) throws {
        let option = directory.hint
        try output.console.result(
            Report(
                region: configuration.region.name, endpoint: configuration.listen.localURL, dataDirectory: directory.path,
                isNewlyStarted: isNew),
            text: """

                Region \(configuration.region.name) is ready at \(configuration.listen.localURL)\(isNew ? "" : " (it was running already)").
                  a cluster:      slipway cluster create demo\(option)
                  with aws:       eval "$(slipway dev env\(option))" && aws eks list-clusters
                  stop:           slipway dev down\(option)   (data stays; --purge removes everything)
                """)
    }

    private func options() throws -> DevOptions {
        var options = DevOptions()
        options.substrate = substrate
        options.port = port
        options.storePort = storePort
        options.regionName = region
        options.addressPool = try addressPool.map { text in
            do { return try IPv4Block(text) } catch { throw CommandError(.usage, "--address-pool: \(error)") }
        }
        options.releasesDirectory = releasesDirectory.map { URL(filePath: $0).standardizedFileURL.path }
        options.identityProviderAuthorities = identityProviderAuthorities.map { URL(filePath: $0).standardizedFileURL.path }
        return options
    }
}
