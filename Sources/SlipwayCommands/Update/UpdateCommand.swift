import ArgumentParser

/// `slipway update …`
struct UpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "See a cluster's updates, and take one back.",
        discussion: "`slipway cluster update`, `slipway cluster patch` and `slipway cluster rotate` begin one, as `aws eks` does.",
        subcommands: [UpdateListing.self, UpdateDescribe.self, UpdateWatch.self, UpdateCancel.self])
}
