import ArgumentParser
import Foundation
import SlipwayClient
import Timing

struct ClusterUpdateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Move a cluster to another release and show each step.",
        discussion: """
            New API servers come beside the old ones and get traffic when they have proved themselves; etcd's members are replaced in \
            place, one after the other. A release that is no good goes back by itself.
            """)

    @Argument var name: String

    @Option(help: "A Kubernetes minor such as 1.33, the cluster's own or the next: to its newest release.")
    var version: String?
    @Option(help: "A release of `slipway release list`.")
    var release: String?
    @Flag(help: "API servers first, and etcd when they are through, instead of both at the same time; with --release.")
    var sequential = false

    @OptionGroup var waiting: UpdateWaiting
    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard (version == nil) != (release == nil) else { throw ValidationError("Give either --version or --release.") }
        guard !sequential || release != nil else { throw ValidationError("--sequential goes with --release.") }
    }

    func run() async throws {
        do {
            try await waiting.begin(
                name, UpdateRequest(version: version, release: release, isSequential: sequential ? true : nil), region, output)
        } catch { throw CommandError(error) }
    }
}

struct ClusterPatchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "patch", abstract: "Exchange the programs of a cluster's running instances, without new instances.",
        discussion: """
            For the urgent fix: the same Kubernetes minor, another build. A second API server starts in each instance beside the first; \
            when all have passed their check, one after the other takes over, and nobody is refused meanwhile.
            """)

    @Argument var name: String

    @Option(help: "A release of `slipway release list`.")
    var release: String

    @OptionGroup var waiting: UpdateWaiting
    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            try await waiting.begin(name, UpdateRequest(release: release, isInPlace: true), region, output)
        } catch { throw CommandError(error) }
    }
}

/// Whether to wait for an update's end.
struct UpdateWaiting: ParsableArguments {
    @Flag(help: "Do not wait until it has ended.")
    var noWait = false

    @Option(help: "Seconds to wait at most.")
    var timeout: Int = 1800

    func begin(_ name: String, _ request: UpdateRequest, _ region: RegionOptions, _ output: OutputOptions) async throws {
        let console = output.console
        let client = try region.client()
        let update = try await client.beginUpdate(of: name, request)
        let target = update.parameters["ReleaseVersion"] ?? request.release ?? request.version ?? ""
        guard !noWait else {
            return try console.result(
                update, text: "\(name) goes to \(target); `slipway update watch \(name)\(region.hint)` shows how far it is.")
        }
        console.note("Updating \(name) to \(target)")
        let ended = try await UpdateFollower(client: client, console: console, hint: region.hint).follow(update, limit: .seconds(timeout))
        try console.result(ended, text: "\(name) runs \(target) after \(UpdateFollower.length(ended)).")
    }
}
