import ArgumentParser
import Foundation
import SlipwayServer

/// `slipway server`
struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "Run a region's service with a configuration file.",
        discussion: """
            Several replicas share one etcd cluster; each cell is led by one of them at a time. docs/operations.md describes the file.
            """)

    @Option(help: "YAML or JSON.")
    var config: String

    func run() async throws {
        do {
            let configuration = try RegionConfiguration.load(path: config)
            try await RegionServer.runUntilStopped(configuration)
        } catch { throw CommandError(error) }
    }
}
