import ArgumentParser

/// `slipway update …`
struct UpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "See a cluster's updates, and take one back.",
        discussion: "`slipway cluster update` and `slipway cluster patch` begin one.",
        subcommands: [UpdateListing.self, UpdateDescribe.self, UpdateWatch.self, UpdateCancel.self])
}
