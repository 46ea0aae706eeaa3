import ArgumentParser
import SlipwayClient
import Timing

/// What evacuating and restoring have in common.
struct ZoneChangeOptions: ParsableArguments {
    @Argument(help: "Its name, such as local-1a; `slipway zone list` shows them.")
    var zone: String

    @Option(help: "Why, for whoever looks later.")
    var reason: String?

    @Flag(help: "Insist where the region objects and may be overruled.")
    var force = false

    @Flag(help: "Do not wait until it is done in every cluster.")
    var noWait = false

    @Option(help: "Seconds to wait at most.")
    var timeout: Int = 300

    var request: ZoneRequest { ZoneRequest(reason: reason, force: force ? true : nil) }
}

struct ZoneEvacuate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evacuate", abstract: "Take a zone out of service, whole and at once, and show each step.",
        discussion: """
            Nothing in the zone serves or leads afterwards, and what talks to it gets a reset instead of silence. It stays out until \
            `slipway zone restore`. Refused while another zone is out or impaired.
            """)

    @OptionGroup var change: ZoneChangeOptions
    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let client = try region.client()
            let begun = TimeSource.system.uptime
            let zone = try await client.evacuateZone(change.zone, change.request)
            let console = output.console
            guard !change.noWait else {
                return try console.result(zone, text: "Zone \(zone.name) is being evacuated; `slipway zone list` shows it.")
            }
            console.note("Evacuating zone \(zone.name): \(zone.clusters?.count ?? 0) clusters have something there")
            let done = try await ZoneFollower(client: client, console: console, begun: begun, limit: .seconds(change.timeout)).follow(zone)
            try console.result(
                done,
                text:
                    "Zone \(zone.name) is out of service after \(Durations.text((TimeSource.system.uptime - begun).seconds)). Back: slipway zone restore \(zone.name)"
            )
        } catch { throw CommandError(error) }
    }
}

struct ZoneRestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Bring a zone back into service, traffic last, and show each step.")

    @OptionGroup var change: ZoneChangeOptions
    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let client = try region.client()
            let begun = TimeSource.system.uptime
            let zone = try await client.restoreZone(change.zone, change.request)
            let console = output.console
            guard !change.noWait else { return try console.result(zone, text: "Zone \(zone.name) is being restored.") }
            console.note("Restoring zone \(zone.name): \(zone.clusters?.count ?? 0) clusters have something there")
            let done = try await ZoneFollower(client: client, console: console, begun: begun, limit: .seconds(change.timeout)).follow(zone)
            try console.result(
                done, text: "Zone \(zone.name) is in service after \(Durations.text((TimeSource.system.uptime - begun).seconds)).")
        } catch { throw CommandError(error) }
    }
}
