import ArgumentParser
import Foundation
import SlipwayClient

struct KeyCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make an access key; its secret is shown this once.")

    @Argument(help: "The user's name.")
    var user: String

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let key = try await region.client().createKey(user: user)
            try output.console.result(
                key, text: "export AWS_ACCESS_KEY_ID=\(key.id)\nexport AWS_SECRET_ACCESS_KEY=\(key.secret)")
        } catch { throw CommandError(error) }
    }
}

struct KeyListing: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List a user's access keys.")

    @Argument(help: "The user's name.")
    var user: String

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let keys = try await region.client().keys(user: user)
            try output.console.result(
                keys, text: TextTable(header: ["KEY", "CREATED"], rows: keys.map { [$0.id, $0.createdAt.formatted(.iso8601)] }).text)
        } catch { throw CommandError(error) }
    }
}

struct KeyDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete an access key; it stops working at once.")

    @Argument(help: "The user's name.")
    var user: String

    @Argument(help: "The key's id.")
    var key: String

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            try await region.client().deleteKey(key, user: user)
            try output.console.result(["deleted": key], text: "Deleted key \(key).")
        } catch { throw CommandError(error) }
    }
}
