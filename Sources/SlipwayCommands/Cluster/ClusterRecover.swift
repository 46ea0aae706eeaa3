import ArgumentParser
import FleetModel
import Foundation
import SlipwayClient
import Timing

struct ClusterRecover: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "recover", abstract: "Bring a cluster back that has lost a majority of its etcd volumes.",
        discussion: """
            Says from what (the surviving member, or a backup: whichever has the newest revision), up to which revision and time, and \
            what is lost; then asks for the cluster's name. It never happens by itself. A cluster that has lost fewer volumes, or none, \
            comes back without it.
            """)

    @Argument var name: String

    @Flag(help: "Only say what would be done.")
    var dryRun = false

    @Flag(help: "Do not ask.")
    var yes = false

    @Flag(help: "Do not wait until it serves again.")
    var noWait = false

    @Option(help: "Seconds to wait at most.")
    var timeout: Int = 600

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do { try await recover() } catch { throw CommandError(error) }
    }

    private func recover() async throws {
        let console = output.console
        let client = try region.client()
        let proposal = try await client.recovery(of: name)
        if dryRun { return try console.result(proposal, text: Self.text(proposal)) }
        console.note(Self.text(proposal))
        guard let source = proposal.source else { throw CommandError(.failed, "Nothing was done.") }
        try confirm(console)
        let begun = TimeSource.system.now
        let asked = try await client.recover(name, RecoveryRequest(source: source.name))
        guard !noWait else {
            return try console.result(
                asked, text: "\(name) begins again from \(source.name); `slipway cluster watch \(name)` shows how far it is.")
        }
        let outcome = try await ClusterFollower(client: client, console: console).follow(
            name, begun: begun.addingTimeInterval(-1), limit: .seconds(timeout), hint: region.hint
        ) { cluster in
            let serves = cluster.conditions.contains { $0.kind == .available && $0.status == .yes }
            return cluster.observedGeneration > asked.generation && serves || cluster.deletionRequestedAt != nil
        }
        if case .interrupted = outcome {
            throw CommandError(
                .failed, "Interrupted; the recovery goes on.", advice: "`slipway cluster watch \(name)\(region.hint)` shows how far it is.")
        }
        guard case .reached(let cluster) = outcome, cluster.deletionRequestedAt == nil else {
            throw CommandError(.failed, "Cluster \(name) was deleted meanwhile.")
        }
        try console.result(
            cluster,
            text:
                "Cluster \(name) serves again after \(Durations.text(TimeSource.system.now.timeIntervalSince(begun))), from \(source.name)."
        )
    }

    private func confirm(_ console: Console) throws {
        guard !yes else { return }
        guard console.isTerminal else {
            throw CommandError(.usage, "What is lost is lost for good: say --yes to go on.", advice: "Nothing was done.")
        }
        console.note("Type the cluster's name to go on: ")
        guard readLine(strippingNewline: true) == name else { throw CommandError(.failed, "That is not its name; nothing was done.") }
    }

    static func text(_ proposal: RecoveryProposal) -> String {
        var lines = proposal.losses.map { "Lost:      \($0.member): \($0.reason)" }
        func moment(_ date: Date?) -> String { date.map { $0.formatted(.iso8601) } ?? "not known" }
        lines += proposal.candidates.map { candidate in
            let mark = candidate == proposal.source ? "From:     " : "Also:     "
            return
                "\(mark) \(candidate.kind) \(candidate.name), revision \(candidate.revision.map(String.init) ?? "not known"), as of \(moment(candidate.at))"
        }
        if let revision = proposal.lastKnownRevision {
            lines.append("Last seen: revision \(revision), at \(moment(proposal.lastKnownAt))")
        }
        return (lines + [proposal.verdict]).joined(separator: "\n")
    }
}
