import ArgumentParser
import FleetModel
import Foundation
import SlipwayClient
import SlipwayServer

struct DevStatus: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Whether the region on this machine runs; exit code 1 when it does not.")

    @OptionGroup var directory: DataDirectoryOption
    @OptionGroup var output: OutputOptions

    /// What JSON mode prints.
    struct Report: Codable {
        var region: String
        var isRunning: Bool
        var process: Int32?
        var endpoint: String
        var store: Int32?
        /// What it waits for; nil when it is ready.
        var waiting: String?
    }

    func run() async throws {
        do {
            let dev = DevRegion(directory: directory.path)
            let configuration = try dev.files.configuration()
            let state = try await dev.state(configuration)
            let report = Report(
                region: configuration.region.name, isRunning: state.server != nil, process: state.server,
                endpoint: configuration.listen.localURL, store: state.store, waiting: state.waiting)
            try output.console.result(
                report,
                text: """
                    Region:   \(report.region) at \(report.endpoint)
                    Service:  \(state.server.map { "process \($0), \(state.waiting.map { "waiting: \($0)" } ?? "ready")" } ?? "not running")
                    Store:    \(state.store.map { "process \($0)" } ?? "not running")
                    """)
            if state.server == nil || state.waiting != nil { throw CommandError(.failed, "The region is not ready.") }
        } catch { throw CommandError(error) }
    }
}
