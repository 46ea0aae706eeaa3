import ArgumentParser
import Foundation
import SlipwayClient

struct ClusterRotateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Renew a cluster's certificates, authorities and keys, without an interruption.",
        discussion: """
            Certificates are renewed at once. Of authorities and the service-account key the old ones stay trusted besides the new \
            ones, so that kubeconfigs and tokens of before go on working, until --complete: get kubeconfigs anew before that \
            (`aws eks update-kubeconfig`), and restart what keeps tokens.
            """)

    enum Part: String, CaseIterable, ExpressibleByArgument {
        case certificates, authorities
        case serviceAccountKey = "service-account-key"
    }

    @Argument var name: String

    @Option(help: "What to renew; may be given more than once (default: everything).")
    var only: [Part] = []
    @Flag(help: "End the rotation: what was issued before it is trusted no more.")
    var complete = false

    @OptionGroup var waiting: UpdateWaiting
    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        guard !complete || only.isEmpty else { throw ValidationError("--complete ends the whole rotation; it takes no --only.") }
    }

    func run() async throws {
        do {
            let client = try region.client()
            let console = output.console
            let update = try await client.rotate(name, RotationRequest(parts: only.map(\.rawValue), completes: complete))
            guard !waiting.noWait else {
                return try console.result(
                    update, text: "\(name) is on its way; `slipway update watch \(name)\(region.hint)` shows how far it is.")
            }
            console.note(complete ? "Completing the rotation of \(name)" : "Rotating \(update.parameters["Renews"] ?? "") of \(name)")
            let ended = try await UpdateFollower(client: client, console: console, hint: region.hint)
                .follow(update, limit: .seconds(waiting.timeout))
            let stands = try await client.cluster(name).rotation?.phase == "issued"
            let next = stands ? " What was issued before is trusted until `slipway cluster rotate \(name) --complete\(region.hint)`." : ""
            try console.result(ended, text: "Rotated after \(UpdateFollower.length(ended)).\(next)")
        } catch { throw CommandError(error) }
    }
}
