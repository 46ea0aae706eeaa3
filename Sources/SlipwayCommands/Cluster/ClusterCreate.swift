import ArgumentParser
import FleetModel
import Foundation
import SlipwayClient
import Timing

struct ClusterCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a cluster and show each step until it is active.")

    @Argument(help: "Its name: letters, digits, '-' and '_'.")
    var name: String

    @Option(
        name: [.long, .customLong("version")], help: "Kubernetes version, such as 1.33 (default: the newest release).")
    var kubernetesVersion: String?

    @Option(parsing: .upToNextOption, help: "Zones (default: all of the region).")
    var zone: [String] = []

    @Option(parsing: .upToNextOption, help: "Tags, KEY=VALUE.")
    var tag: [String] = []

    @Option(help: "Quota of etcd's database, in MiB (default: 8192).")
    var etcdQuota: Int?

    @Flag(help: "Do not wait until it is active.")
    var noWait = false

    @Option(help: "Seconds to wait at most.")
    var timeout: Int = 600

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do { try await create() } catch { throw CommandError(error) }
    }

    private func create() async throws {
        let console = output.console
        let client = try region.client()
        let begun = TimeSource.system.now
        let request = ClusterRequest(
            name: name, version: kubernetesVersion, zones: zone.isEmpty ? nil : zone, tags: tag.isEmpty ? nil : try Self.tags(tag),
            etcdQuotaMiB: etcdQuota)
        let made = try await create(request, client, console)
        guard !noWait else {
            return try console.result(
                made, text: "Cluster \(name) is being made; `slipway cluster watch \(name)\(region.hint)` shows how far it is.")
        }
        console.note("Making cluster \(name): Kubernetes \(made.version) in \(made.zones.joined(separator: ", "))")
        let outcome = try await ClusterFollower(client: client, console: console).follow(
            name, begun: begun.addingTimeInterval(-1), limit: .seconds(timeout), hint: region.hint
        ) { $0.status == "ACTIVE" || $0.status == "FAILED" || $0.deletionRequestedAt != nil }
        if case .interrupted = outcome {
            throw CommandError(
                .interrupted, "Interrupted; the region goes on making cluster \(name).",
                advice:
                    "The same command again follows it; `slipway cluster delete \(name)\(region.hint)` gives it up.")
        }
        guard case .reached(let cluster) = outcome, cluster.deletionRequestedAt == nil else {
            throw CommandError(.failed, "Cluster \(name) was deleted meanwhile.")
        }
        guard cluster.status == "ACTIVE" else {
            throw CommandError(.failed, "Cluster \(name) failed: \(cluster.waits.map(\.message).joined(separator: ", "))")
        }
        let seconds = TimeSource.system.now.timeIntervalSince(begun)
        try console.result(
            cluster,
            text: """
                Cluster \(name) is active after \(Durations.text(seconds)). Endpoint: \(cluster.endpoint ?? "not known")
                  kubectl:  slipway cluster kubeconfig \(name)\(region.hint) > \(name).kubeconfig && kubectl --kubeconfig \(name).kubeconfig get namespaces
                  aws:      eval "$(slipway dev env\(region.directory.hint))" && aws eks update-kubeconfig --name \(name)
                """)
    }

    /// A cluster that is being made already as it is wanted here, by the same command before an interruption say, is followed.
    private func create(_ request: ClusterRequest, _ client: OperatorClient, _ console: Console) async throws -> ClusterDetail {
        do {
            return try await client.createCluster(request)
        } catch let error as OperatorClientError where error.code == "ResourceInUseException" {
            let there = try await client.cluster(name)
            let isAsWanted =
                there.version == request.version ?? there.version && there.tags == request.tags ?? there.tags
                && Set(there.zones).isSuperset(of: request.zones ?? [])
            guard there.status == "CREATING", isAsWanted, there.deletionRequestedAt == nil else {
                throw CommandError(
                    .usage, "\(error)", advice: "It is \(there.status); `slipway cluster describe \(name)\(region.hint)` shows it.")
            }
            console.note("Cluster \(name) is being made already.")
            return there
        }
    }

    private static func tags(_ texts: [String]) throws -> [String: String] {
        var tags: [String: String] = [:]
        for text in texts {
            guard let split = text.firstIndex(of: "=") else { throw CommandError(.usage, "The tag '\(text)' is not KEY=VALUE.") }
            tags[String(text[..<split])] = String(text[text.index(after: split)...])
        }
        return tags
    }
}
