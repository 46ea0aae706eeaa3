import ArgumentParser
import Foundation
import SlipwayClient
import Timing

struct ClusterWatch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Show each step of a cluster as it happens, until interrupted or until it is gone.",
        discussion: "With --output json: one line of JSON for each state.")

    @Argument var name: String
    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let client = try region.client()
            let first = try await client.cluster(name)
            guard output.output == .text else { return try await printLines(client) }
            let console = output.console
            console.note("Cluster \(name) is \(first.status)")
            let outcome = try await ClusterFollower(client: client, console: console)
                .follow(name, begun: TimeSource.system.now, limit: .seconds(365 * 86_400)) { _ in false }
            if case .gone = outcome { console.note("Cluster \(name) is gone.") }
        } catch { throw CommandError(error) }
    }

    private func printLines(_ client: OperatorClient) async throws {
        try await client.watchCluster(name) { line in
            if line.cluster != nil || line.isGone {
                let text = String(decoding: try MessageCoding.encoder().encode(line), as: UTF8.self)
                FileHandle.standardOutput.write(Data((text + "\n").utf8))
            }
            return true
        }
    }
}
