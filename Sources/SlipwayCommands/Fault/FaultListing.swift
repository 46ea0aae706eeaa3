import ArgumentParser
import Foundation
import SlipwayClient
import Timing

struct FaultListing: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the faults that stand.")

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let faults = try await region.client().faults()
            let now = TimeSource.system.now
            try output.console.result(
                faults,
                text: faults.isEmpty
                    ? "No fault stands."
                    : TextTable(
                        header: ["ID", "KIND", "ZONE", "CLUSTER", "INSTANCE", "FOR"],
                        rows: faults.map {
                            [
                                $0.id, $0.kind, $0.zone, $0.cluster ?? "all", $0.instance ?? "all",
                                Durations.text(now.timeIntervalSince($0.since)),
                            ]
                        }
                    ).text)
        } catch { throw CommandError(error) }
    }
}
