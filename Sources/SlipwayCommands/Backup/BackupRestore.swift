import ArgumentParser
import FleetModel
import Foundation
import SlipwayClient
import Timing

struct BackupRestore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Restore a backup: in place of its cluster's present data, or as a new cluster.",
        discussion: """
            In place, everything written to the cluster since the backup is lost, and its API is away while its data is replaced. As a
            new cluster, it gets its own name, endpoint, certificates and keys: credentials and service account tokens of the old one
            do not work in it.

            The backup is checked first, by restoring it into an etcd of its own. A damaged one is reported, and nothing is touched.
            """)

    @Argument(help: "The backup's ID.")
    var id: String

    @Flag(help: "Replace the present data of the backup's cluster.")
    var inPlace = false

    @Option(name: .customLong("as"), help: "Make a new cluster with this name.")
    var newName: String?

    @Flag(help: "Do not ask before data is lost.")
    var yes = false

    @Flag(help: "Do not wait until it is done.")
    var noWait = false

    @Option(help: "Seconds to wait at most.")
    var timeout: Int = 3600

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard inPlace != (newName != nil) else { throw ValidationError("Give either --in-place or --as NEWNAME.") }
    }

    func run() async throws {
        do {
            let client = try region.client()
            if let newName { try await make(newName, client) } else { try await replace(client) }
        } catch { throw CommandError(error) }
    }

    private func make(_ name: String, _ client: OperatorClient) async throws {
        let console = output.console
        let begun = TimeSource.system.now
        let made = try await client.restoreBackup(id, RestoreRequest(asNew: name))
        guard !noWait else { return try console.result(made, text: "Cluster \(name) is being made from backup \(id).") }
        console.note("Making cluster \(name) from backup \(id)")
        let outcome = try await ClusterFollower(client: client, console: console).follow(
            name, begun: begun.addingTimeInterval(-1), limit: .seconds(timeout), hint: region.hint
        ) { ($0.status == "ACTIVE" && $0.restore == nil) || $0.status == "FAILED" || $0.deletionRequestedAt != nil }
        if case .interrupted = outcome { throw interrupted(name) }
        guard case .reached(let cluster) = outcome, cluster.status == "ACTIVE" else {
            var reason = "it was deleted meanwhile"
            if case .reached(let cluster) = outcome, cluster.status == "FAILED" {
                reason = cluster.waits.map(\.message).joined(separator: ", ")
            }
            throw CommandError(
                .failed, "Cluster \(name) was not made from backup \(id): \(reason)",
                advice: "`slipway cluster delete \(name)` removes what there is.")
        }
        try console.result(
            cluster,
            text:
                "Cluster \(name) is active after \(Durations.text(TimeSource.system.now.timeIntervalSince(begun))). Endpoint: \(cluster.endpoint ?? "not known")"
        )
    }

    private func replace(_ client: OperatorClient) async throws {
        let console = output.console
        let loss = try await client.restoreLoss(id)
        let now = TimeSource.system.now
        let changes = loss.lostChanges.map { "\($0) changes (revision \(loss.backupRevision) to \(loss.presentRevision ?? 0))" }
        console.note(
            """
            Cluster \(loss.cluster) goes back to \(loss.takenAt.formatted(.iso8601)), \(Durations.text(now.timeIntervalSince(loss.takenAt))) ago.
            Lost for ever: \(changes ?? "what was written since; how much is not known, as its etcd does not answer (the backup's revision is \(loss.backupRevision))").
            Its API does not answer while the data is replaced.
            """)
        if !yes { try confirm(loss.cluster, console) }
        let begun = TimeSource.system.now
        let asked = try await client.restoreBackup(id, RestoreRequest(inPlace: loss.cluster))
        guard let intent = asked.restore?.id else { throw CommandError(.failed, "The region's answer says nothing of a restore.") }
        guard !noWait else { return try console.result(asked, text: "Cluster \(loss.cluster) is being restored from backup \(id).") }
        console.note("Restoring cluster \(loss.cluster) from backup \(id)")
        let outcome = try await ClusterFollower(client: client, console: console).follow(
            loss.cluster, begun: begun.addingTimeInterval(-1), limit: .seconds(timeout), hint: region.hint
        ) { $0.restore?.id != intent }
        if case .interrupted = outcome { throw interrupted(loss.cluster) }
        guard case .reached(let cluster) = outcome, let record = cluster.lastRestore, record.intent.id == intent else {
            throw CommandError(.failed, "Cluster \(loss.cluster) was deleted meanwhile.")
        }
        if let error = record.error { throw CommandError(.failed, "Nothing was restored, and the cluster was not touched: \(error)") }
        try console.result(
            cluster,
            text:
                "Cluster \(loss.cluster) is restored after \(Durations.text(record.finishedAt.timeIntervalSince(begun))); what was written after revision \(loss.backupRevision) is lost."
        )
    }

    private func interrupted(_ cluster: String) -> CommandError {
        CommandError(
            .failed, "Interrupted.",
            advice: "The region goes on with it; `slipway cluster watch \(cluster)\(region.hint)` shows how far it is.")
    }

    /// Who deletes data says which.
    private func confirm(_ name: String, _ console: Console) throws {
        guard isatty(0) == 1, console.format == .text else {
            throw CommandError(
                .usage, "Nothing was done: this loses data and nobody can be asked.", advice: "Say --yes to do it all the same.")
        }
        console.note("Type the cluster's name to go on:")
        guard readLine()?.trimmingCharacters(in: .whitespaces) == name else { throw CommandError(.usage, "Nothing was done.") }
    }
}
