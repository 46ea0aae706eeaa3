import ArgumentParser

/// `slipway user …`
struct UserCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "user", abstract: "Who may use the region.",
        subcommands: [UserCreate.self, UserListing.self, UserDelete.self, UserKeyCommand.self])
}

/// `slipway user key …`
struct UserKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "The access keys of a user.", subcommands: [KeyCreate.self, KeyListing.self, KeyDelete.self])
}
