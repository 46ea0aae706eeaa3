import ArgumentParser
import Foundation
import SlipwayClient
import Timing

struct ZoneListing: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the region's zones: in service or not, and how they were found.")

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let list = try await region.client().zones()
            try output.console.result(list, text: Self.text(list, now: TimeSource.system.now))
        } catch { throw CommandError(error) }
    }

    static func text(_ list: ZoneList, now: Date) -> String {
        let table = TextTable(
            header: ["ZONE", "SERVICE", "FOR", "BY", "HEALTH", "WHY"],
            rows: list.zones.map { zone in
                [
                    zone.name, zone.isEvacuated ? "evacuated" : "in service", Durations.text(now.timeIntervalSince(zone.since)),
                    zone.requestedBy.split(separator: "/").last.map(String.init) ?? zone.requestedBy, health(zone), zone.reason,
                ]
            })
        let evidence = list.zones.filter { $0.health == "impaired" }.flatMap { zone in zone.evidence.map { "  \(zone.name): \($0)" } }
        return ([table.text] + (evidence.isEmpty ? [] : ["", "Seen:"] + evidence) + ["", ZonePolicy.text(list.policy)])
            .joined(separator: "\n")
    }

    private static func health(_ zone: ZoneDetail) -> String {
        zone.failures.isEmpty ? zone.health : "\(zone.health) (\(zone.failures.joined(separator: ", ")))"
    }
}
