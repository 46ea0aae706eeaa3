import ArgumentParser
import FleetModel
import Foundation
import SlipwayClient
import Timing

struct ClusterWatch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Show each step and each change of a cluster as it happens, until interrupted or until it is gone.",
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
                .follow(name, begun: TimeSource.system.now, limit: .seconds(365 * 86_400), hint: region.hint) { _ in false }
            guard case .interrupted(let last) = outcome else { return console.note("Cluster \(name) is gone.") }
            let cluster = last ?? first
            let waits = cluster.waits.map { "\n  waiting: \($0.message)" }.joined()
            console.note("Cluster \(name) was \(ClusterProgress.state(of: cluster)) when you left.\(waits)")
        } catch { throw CommandError(error) }
    }

    /// The stream ends when the service stops or restarts: then it is opened again.
    private func printLines(_ client: OperatorClient) async throws {
        var isGone = false
        while !isGone {
            do {
                try await client.watchCluster(name) { line in
                    if line.cluster != nil || line.isGone {
                        let text = String(decoding: try MessageCoding.encoder().encode(line), as: UTF8.self)
                        FileHandle.standardOutput.write(Data((text + "\n").utf8))
                    }
                    isGone = line.isGone
                    return !isGone
                }
            } catch let error as OperatorClientError where error.isUnavailable {
            } catch let error as OperatorClientError where error.status == 404 {
                return
            }
            if !isGone { try await TimeSource.system.sleep(for: .milliseconds(500)) }
        }
    }
}
