import ArgumentParser
import FleetModel
import Foundation
import SlipwayClient
import Timing

struct UpdateListing: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List a cluster's updates, newest first.")

    @Argument(help: "The cluster.")
    var cluster: String

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let updates = try await region.client().updates(of: cluster)
            let now = TimeSource.system.now
            try output.console.result(
                updates,
                text: updates.isEmpty
                    ? "\(cluster) was never updated."
                    : TextTable(
                        header: ["UPDATE", "TYPE", "STATUS", "TOOK", "AGE"],
                        rows: updates.map {
                            [
                                $0.id, $0.type, $0.status, UpdateFollower.length($0),
                                Durations.text(now.timeIntervalSince($0.createdAt)),
                            ]
                        }
                    ).text)
        } catch { throw CommandError(error) }
    }
}

struct UpdateDescribe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "describe", abstract: "Show one update.")

    @Argument(help: "The cluster.")
    var cluster: String
    @Argument(help: "The update's ID (default: the newest).")
    var id: String?

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let update = try await region.client().chosenUpdate(id, of: cluster)
            try output.console.result(update, text: Self.text(update))
        } catch { throw CommandError(error) }
    }

    static func text(_ update: UpdateDetail) -> String {
        var lines = [
            "ID:        \(update.id)", "Cluster:   \(update.cluster)", "Type:      \(update.type)", "Status:    \(update.status)",
            "Begun:     \(update.createdAt.formatted(.iso8601))\(update.requestedBy.map { " by \($0)" } ?? "")",
            "Took:      \(UpdateFollower.length(update))",
        ]
        lines += update.parameters.sorted { $0.key < $1.key }.map { "Wanted:    \($0.key) = \($0.value)" }
        lines += update.reversal.map { ["Goes back: \($0)"] } ?? []
        lines += (update.waits ?? []).map { "Waits:     \($0.message)" }
        lines += update.errors.map { "Error:     \($0.errorCode): \($0.errorMessage)" }
        return lines.joined(separator: "\n")
    }
}

struct UpdateWatch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch", abstract: "Show each step of an update as it ends, until the update has ended.")

    @Argument(help: "The cluster.")
    var cluster: String
    @Argument(help: "The update's ID (default: the newest).")
    var id: String?

    @Option(help: "Seconds to wait at most.")
    var timeout: Int = 1800

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let client = try region.client()
            let update = try await client.chosenUpdate(id, of: cluster)
            guard update.status == "InProgress" else {
                return try output.console.result(try UpdateFollower.succeeded(update), text: UpdateDescribe.text(update))
            }
            let ended = try await UpdateFollower(client: client, console: output.console, hint: region.hint)
                .follow(update, limit: .seconds(timeout))
            try output.console.result(ended, text: "Update \(ended.id) is \(ended.status) after \(UpdateFollower.length(ended)).")
        } catch { throw CommandError(error) }
    }
}

struct UpdateCancel: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cancel", abstract: "Take back an update that is under way: the cluster becomes what it was before.")

    @Argument(help: "The cluster.")
    var cluster: String
    @Argument(help: "The update's ID (default: the one that is under way).")
    var id: String?

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let update = try await region.client().cancelUpdate(id, of: cluster)
            try output.console.result(
                update, text: "Update \(update.id) goes back; `slipway update watch \(cluster)\(region.hint)` shows how far it is.")
        } catch { throw CommandError(error) }
    }
}

extension OperatorClient {
    /// - Parameter id: nil: the one that is in progress, else the newest. One that is taken back may not be the newest.
    fileprivate func chosenUpdate(_ id: String?, of cluster: String) async throws -> UpdateDetail {
        if let id { return try await update(id, of: cluster) }
        let updates = try await updates(of: cluster)
        guard let newest = updates.first(where: { $0.status == "InProgress" }) ?? updates.first else {
            throw CommandError(.failed, "\(cluster) was never updated.")
        }
        return try await update(newest.id, of: cluster)
    }
}
