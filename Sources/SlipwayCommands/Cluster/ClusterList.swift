import ArgumentParser
import Foundation
import SlipwayClient
import Timing

struct ClusterList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the region's clusters.")

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let clusters = try await region.client().clusters()
            let now = TimeSource.system.now
            try output.console.result(
                clusters,
                text: clusters.isEmpty
                    ? "There is no cluster. `slipway cluster create NAME\(region.hint)` makes one."
                    : TextTable(
                        header: ["NAME", "STATUS", "VERSION", "READY", "ENDPOINT", "AGE"],
                        rows: clusters.map {
                            [
                                $0.name, $0.status, $0.version, "\($0.readyInstances)/\($0.instanceCount)", $0.endpoint ?? "-",
                                Durations.text(now.timeIntervalSince($0.createdAt)),
                            ]
                        }
                    ).text)
        } catch { throw CommandError(error) }
    }
}
