import ArgumentParser
import Foundation
import LocalSubstrate
import SlipwayServer

struct DevDoctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Say what is missing on this machine, and what is on it that belongs to no cluster.",
        discussion: "Exit code 1 when something is missing or left over; warnings alone are no failure.")

    @OptionGroup var directory: DataDirectoryOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let findings = try await DevRegion(directory: directory.path).doctor()
            try output.console.result(
                findings,
                text: findings.isEmpty
                    ? "Nothing is missing and nothing is left over." : findings.map(\.description).joined(separator: "\n"))
            let serious = findings.filter { $0.severity != .warning }
            guard serious.isEmpty else { throw CommandError(.failed, "\(serious.count) finding\(serious.count == 1 ? "" : "s").") }
        } catch { throw CommandError(error) }
    }
}
