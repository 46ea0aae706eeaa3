import ArgumentParser
import FleetModel
import Foundation
import SlipwayClient
import Timing

struct ClusterDescribe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "Show a cluster: its instances, what is done, and what it waits for.")

    @Argument var name: String
    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let cluster = try await region.client().cluster(name)
            try output.console.result(cluster, text: Self.text(cluster, now: TimeSource.system.now))
        } catch { throw CommandError(error) }
    }

    static func text(_ cluster: ClusterDetail, now: Date) -> String {
        var lines = [
            "Name:      \(cluster.name)",
            "ARN:       \(cluster.arn)",
            "Status:    \(cluster.status)\(cluster.deletionRequestedAt == nil ? "" : " (deletion asked for)")",
            "Version:   \(cluster.version) (release \(cluster.release))",
            "Endpoint:  \(cluster.endpoint ?? "-")",
            "Zones:     \(cluster.zones.joined(separator: ", "))",
            "Network:   \(cluster.network)",
            "Age:       \(Durations.text(now.timeIntervalSince(cluster.createdAt)))",
        ]
        if let update = cluster.update {
            let way = update.reversal.map { "goes back to \(update.previousRelease): \($0.reason)" } ?? "from \(update.previousRelease)"
            lines.append("Update:    \(update.id) \(way)")
        }
        if !cluster.tags.isEmpty {
            lines.append("Tags:      \(cluster.tags.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ", "))")
        }
        if let encryption = cluster.encryption {
            lines.append("Secrets:   \(encryption.summary): \(encryption.keyARN), version \(encryption.keyVersion)")
        }
        if let provider = cluster.identityProvider {
            let tokens = "tokens of \(provider.issuerURL) for \(provider.clientID)"
            lines.append("Logins:    \(tokens) (\(provider.name), \(provider.status.rawValue))")
        }
        if let rotation = cluster.rotation, rotation.phase != "settled" {
            lines.append("Rotation:  of \(rotation.parts.joined(separator: " and ")): \(rotation.summary)")
        }
        lines += cluster.conditions.map {
            "\("\($0.kind.rawValue):".padding(toLength: 18, withPad: " ", startingAt: 0)) \($0.status.rawValue) (\($0.reason)) \($0.message)"
        }
        lines += cluster.waits.map { "Waiting:   \($0.message)" }
        if !cluster.instances.isEmpty {
            lines += [
                "",
                TextTable(
                    header: ["INSTANCE", "ZONE", "ADDRESS", "STATE", "RELEASE"],
                    rows: cluster.instances.map {
                        [
                            $0.name + ($0.isLeader ? " (leader)" : ""), $0.zone?.rawValue ?? "-", "\($0.address)",
                            $0.state + ($0.isFenced == true ? ", fenced off" : ""),
                            $0.release?.rawValue ?? "-",
                        ]
                    }
                ).text,
            ]
        }
        if let etcd = cluster.etcd { lines += [""] + EtcdText.lines(etcd, now: now) }
        if !cluster.steps.isEmpty {
            lines += ["", "Last steps:"] + cluster.steps.suffix(12).map(Self.step)
        }
        return lines.joined(separator: "\n")
    }

    private static func step(_ step: StepRecord) -> String {
        let length = step.finishedAt.map { Durations.text($0.timeIntervalSince(step.startedAt)) } ?? "under way"
        return "  \(step.startedAt.formatted(.iso8601))  \(step.title) (\(length))\(step.error.map { ": failed: \($0)" } ?? "")"
    }
}
