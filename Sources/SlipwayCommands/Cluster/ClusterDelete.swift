import ArgumentParser
import Foundation
import SlipwayClient
import Timing

struct ClusterDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a cluster with all of its data and show each step.")

    @Argument var name: String

    @Flag(help: "Do not wait until everything of it is gone.")
    var noWait = false

    @Option(help: "Seconds to wait at most.")
    var timeout: Int = 300

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do { try await delete() } catch { throw CommandError(error) }
    }

    private func delete() async throws {
        let console = output.console
        let client = try region.client()
        let begun = TimeSource.system.now
        let cluster = try await client.deleteCluster(name)
        guard !noWait else {
            return try console.result(cluster, text: "Cluster \(name) is being deleted.")
        }
        console.note("Deleting cluster \(name)")
        let outcome = try await ClusterFollower(client: client, console: console).follow(
            name, begun: begun.addingTimeInterval(-1), limit: .seconds(timeout), hint: region.hint
        ) { $0.uid != cluster.uid }
        if case .interrupted = outcome {
            throw CommandError(
                .interrupted, "Interrupted; the region goes on deleting cluster \(name).",
                advice: "The same command again shows the rest, and `slipway cluster watch \(name)\(region.hint)` does.")
        }
        if case .reached = outcome { console.note("Another cluster with this name was made meanwhile.") }
        try console.result(
            ["deleted": name], text: "Cluster \(name) is gone after \(Durations.text(TimeSource.system.now.timeIntervalSince(begun))).")
    }
}
