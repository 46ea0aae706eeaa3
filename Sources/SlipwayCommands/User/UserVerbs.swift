import ArgumentParser
import Foundation
import SlipwayClient

struct UserCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Make a user.")

    @Argument var name: String

    @Option(help: "admin: everything. operator: everything but users. owner: own clusters. viewer: may look.")
    var role = "owner"

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let user = try await region.client().createUser(UserRequest(name: name, role: role))
            try output.console.result(
                user, text: "Made user \(user.name) (\(user.arn)), role \(user.role). `slipway user key create \(user.name)` makes a key.")
        } catch { throw CommandError(error) }
    }
}

struct UserListing: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List users.")

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let users = try await region.client().users()
            try output.console.result(
                users,
                text: TextTable(
                    header: ["NAME", "ROLE", "ARN", "CREATED"],
                    rows: users.map { [$0.name, $0.role, $0.arn, $0.createdAt.formatted(.iso8601)] }
                ).text)
        } catch { throw CommandError(error) }
    }
}

struct UserDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete a user and its keys.")

    @Argument var name: String
    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            try await region.client().deleteUser(name)
            try output.console.result(["deleted": name], text: "Deleted user \(name).")
        } catch { throw CommandError(error) }
    }
}
