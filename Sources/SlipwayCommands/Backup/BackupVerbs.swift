import ArgumentParser
import FleetModel
import Foundation
import SlipwayClient
import Timing

struct BackupCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "create", abstract: "Back a cluster up now.")

    @Argument(help: "The cluster.")
    var cluster: String

    @Flag(help: "Do not wait until it is complete.")
    var noWait = false

    @Option(help: "Seconds to wait at most.")
    var timeout: Int = 3600

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let console = output.console
            let client = try region.client()
            let made = try await client.createBackup(of: cluster)
            guard !noWait else { return try console.result(made, text: "Backup \(made.id) is being taken.") }
            console.note("Taking backup \(made.id)")
            let ended = try await BackupFollower(client: client, console: console).follow(made.id, limit: .seconds(timeout)) {
                $0.phase == "Complete" || $0.phase == "Failed"
            }
            guard let facts = ended.facts else {
                throw CommandError(
                    .failed, "Backup \(made.id) failed after \(ended.attempts) attempts: \(ended.error ?? "it was interrupted")")
            }
            let seconds = (ended.finishedAt ?? ended.requestedAt).timeIntervalSince(ended.requestedAt)
            try console.result(
                ended,
                text: """
                    Backup \(ended.id) is complete after \(Durations.text(seconds)): \(Sizes.text(facts.size)) from \(facts.member), revision \(facts.revision), \(facts.keyCount) keys.
                      check it:   slipway backup verify \(ended.id)
                      restore it: slipway backup restore \(ended.id) --in-place | --as NEWNAME
                    """)
        } catch { throw CommandError(error) }
    }
}

struct BackupListing: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List backups, newest first; those of clusters that are gone too.")

    @Argument(help: "The cluster (default: all).")
    var cluster: String?

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let backups = try await region.client().backups(of: cluster)
            let now = TimeSource.system.now
            try output.console.result(
                backups,
                text: backups.isEmpty
                    ? "There is no backup. `slipway backup create CLUSTER` takes one."
                    : TextTable(
                        header: ["BACKUP", "STATUS", "CHECKED", "REVISION", "KEYS", "SIZE", "BY", "AGE"],
                        rows: backups.map { backup in
                            [
                                backup.id, backup.deletionRequestedAt == nil ? backup.phase : "Deleting",
                                backup.verification?.verdict.rawValue ?? "-", backup.facts.map { "\($0.revision)" } ?? "-",
                                backup.facts.map { "\($0.keyCount)" } ?? "-", backup.facts.map { Sizes.text($0.size) } ?? "-",
                                backup.requestedBy == Backup.schedule ? "schedule" : "hand",
                                Durations.text(now.timeIntervalSince(backup.requestedAt)),
                            ]
                        }
                    ).text)
        } catch { throw CommandError(error) }
    }
}

struct BackupDescribe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "describe", abstract: "Show a backup.")

    @Argument(help: "The backup's ID.")
    var id: String

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let backup = try await region.client().backup(id)
            var lines = [
                "Backup:    \(backup.id)", "Cluster:   \(backup.cluster) (uid \(backup.clusterUID))",
                "Status:    \(backup.phase)\(backup.error.map { ": \($0)" } ?? "")", "Kept in:   \(backup.location)",
                "Asked by:  \(backup.requestedBy) at \(backup.requestedAt.formatted(.iso8601))",
            ]
            if let facts = backup.facts {
                lines += [
                    "Taken:     \(facts.takenAt.formatted(.iso8601)) from \(facts.member) (etcd \(facts.etcdVersion))",
                    "Content:   revision \(facts.revision), \(facts.keyCount) keys, hash \(facts.hash)",
                    "Size:      \(Sizes.text(facts.size)), \(Sizes.text(facts.storedSize)) as stored", "SHA-256:   \(facts.sha256)",
                ]
            }
            if let verification = backup.verification {
                let moment = verification.finishedAt.map { " at \($0.formatted(.iso8601))" } ?? ""
                lines.append("Checked:   \(verification.verdict.rawValue)\(moment): \(verification.message)")
            }
            try output.console.result(backup, text: lines.joined(separator: "\n"))
        } catch { throw CommandError(error) }
    }
}

struct BackupVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Really restore backups into an etcd of their own and compare; exit code 1 when one is not what it should be.")

    @Argument(help: "IDs of backups.")
    var ids: [String]

    @Option(help: "Seconds to wait for each at most.")
    var timeout: Int = 3600

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let console = output.console
            let client = try region.client()
            var ended: [BackupDetail] = []
            for id in ids { _ = try await client.verifyBackup(id) }
            for id in ids {
                console.note("Checking backup \(id)")
                ended.append(
                    try await BackupFollower(client: client, console: console).follow(id, limit: .seconds(timeout)) {
                        $0.verification?.isOpen == false
                    })
            }
            try console.result(
                ended,
                text: ended.map { "\($0.id): \($0.verification?.verdict.rawValue ?? "-"): \($0.verification?.message ?? "")" }
                    .joined(separator: "\n"))
            let bad = ended.filter { $0.verification?.verdict != .good }
            guard bad.isEmpty else {
                throw CommandError(
                    .failed, "\(bad.map { "\($0.id): \($0.verification?.message ?? "not checked")" }.joined(separator: "; "))")
            }
        } catch { throw CommandError(error) }
    }
}

struct BackupDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "delete", abstract: "Delete a backup, from where it is kept too.")

    @Argument(help: "The backup's ID.")
    var id: String

    @Option(help: "Seconds to wait at most.")
    var timeout: Int = 120

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let client = try region.client()
            _ = try await client.deleteBackup(id)
            do {
                _ = try await BackupFollower(client: client, console: output.console).follow(id, limit: .seconds(timeout)) { _ in false }
            } catch let error as OperatorClientError where error.status == 404 {
                // Gone, as wanted.
            }
            try output.console.result(["deleted": id], text: "Backup \(id) is gone.")
        } catch { throw CommandError(error) }
    }
}
