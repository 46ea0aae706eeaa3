import Foundation
import LocalSubstrate
import Subprocess
import SystemPackage

/// One run of a short-lived program of the host.
struct ToolRun: Sendable {
    var succeeded: Bool
    /// Both outputs.
    var output: String

    /// Looks where `slipway dev doctor` looks, whatever the caller's PATH is.
    /// - Throws: `ServerError` (`missing`) when the program is not there.
    static func run(_ tool: String, _ arguments: [String]) async throws -> ToolRun {
        do {
            let result = try await Subprocess.run(
                .name(tool), arguments: Arguments(arguments),
                environment: .inherit.updating(["PATH": HostCheck.searchPath.joined(separator: ":")]), output: .string(limit: 1 << 20),
                error: .combinedWithOutput)
            return ToolRun(
                succeeded: result.terminationStatus.isSuccess,
                output: result.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines))
        } catch {
            throw ServerError(.missing, "The program '\(tool)' could not be run; `slipway dev doctor` says what is missing.", cause: error)
        }
    }
}
