import ArgumentParser
import Foundation
import SlipwayServer

/// The `slipway` program.
///
/// Exit codes: 0 done; 1 failed; 2 wrong use: arguments, not root, no region here, a request that the region refuses as wrong;
/// 130 interrupted.
public struct SlipwayCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "slipway",
        abstract: "Highly available Kubernetes control planes, the way Amazon EKS runs them, on your own machines.",
        discussion: """
            Start here: `slipway dev up --detach`, then `slipway cluster create demo`.

            Exit codes: 0 done; 1 failed; 2 wrong use.
            """,
        version: SlipwayVersion.current,
        subcommands: [
            DevCommand.self, ServerCommand.self, ClusterCommand.self, FaultCommand.self, ZoneCommand.self, BackupCommand.self,
            UpdateCommand.self,
            UserCommand.self, KeyCommand.self,
            ReleaseCommand.self,
            AuthenticatorCommand.self, KMSPluginCommand.self, SimulateCommand.self, VersionCommand.self,
        ])

    public init() {}

    /// Runs the program with the process's arguments, and exits.
    public static func start() async -> Never {
        // A reader of ours that goes away (`slipway cluster list | head`) is not an accident.
        signal(SIGPIPE, SIG_IGN)
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            Foundation.exit(0)
        } catch let error as CommandError {
            FileHandle.standardError.write(Data(error.report.utf8))
            Foundation.exit(error.code.rawValue)
        } catch {
            let code = exitCode(for: error)
            // The parser's own text: help and version go to standard output, the rest to standard error.
            let text = fullMessage(for: error)
            if !text.isEmpty { (code.isSuccess ? FileHandle.standardOutput : .standardError).write(Data((text + "\n").utf8)) }
            Foundation.exit(code == .validationFailure ? CommandError.Code.usage.rawValue : code.rawValue)
        }
    }
}
