import ArgumentParser
import Foundation
import SlipwayClient
import SlipwayServer

struct ClusterKubeconfig: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kubeconfig", abstract: "Print a kubeconfig with a client certificate of an administrator.",
        discussion:
            "For operators and for emergencies: it works while everything of Slipway is down. People use `aws eks update-kubeconfig`.")

    @Argument var name: String

    @Option(name: .customLong("write"), help: "Write it to this file, with mode 0600, instead of printing it.")
    var path: String?

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let answer = try await region.client().kubeconfig(of: name)
            if let path {
                try PlainFile.write(answer.kubeconfig, to: path)
                return try output.console.result(
                    answer, text: "Wrote \(path); its certificate ends \(answer.expiresAt.formatted(.iso8601)).")
            }
            try output.console.result(answer, text: answer.kubeconfig.trimmingCharacters(in: .newlines))
        } catch { throw CommandError(error) }
    }
}
