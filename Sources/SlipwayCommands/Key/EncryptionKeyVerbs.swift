import ArgumentParser
import FleetModel
import Foundation
import SlipwayClient

struct EncryptionKeyCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Make a key.")

    @Option(help: "For people.")
    var description: String?

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let key = try await region.client().createEncryptionKey(EncryptionKeyRequest(description: description))
            try output.console.result(key, text: "Made key \(key.arn)")
        } catch { throw CommandError(error) }
    }
}

struct EncryptionKeyListing: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List keys.")

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let keys = try await region.client().encryptionKeys()
            try output.console.result(
                keys,
                text: TextTable(
                    header: ["ARN", "VERSION", "CREATED", "ROTATED", "DESCRIPTION"],
                    rows: keys.map {
                        [$0.arn, "\($0.version)", $0.createdAt.formatted(.iso8601), $0.rotatedAt.formatted(.iso8601), $0.description]
                    }
                ).text)
        } catch { throw CommandError(error) }
    }
}

struct EncryptionKeyRotate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Give a key a new version; clusters that use it follow by themselves.",
        discussion: "Each cluster encrypts all its secrets anew; `slipway cluster describe` says how far it is.")

    @Argument(help: "The key's ARN, or the UUID that it ends in.")
    var key: String

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let id = key.split(separator: "/").last.map(String.init) ?? key
            let rotated = try await region.client().rotateEncryptionKey(id)
            try output.console.result(rotated, text: "Key \(rotated.arn) has version \(rotated.version) now.")
        } catch { throw CommandError(error) }
    }
}
