import ArgumentParser

/// `slipway zone …`
struct ZoneCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "zone", abstract: "See zones, take one out of service and bring it back.",
        subcommands: [ZoneListing.self, ZoneEvacuate.self, ZoneRestore.self, ZonePolicy.self])
}
