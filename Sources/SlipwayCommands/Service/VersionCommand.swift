import ArgumentParser
import SlipwayServer

/// `slipway version`
struct VersionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the program's version.")

    @OptionGroup var output: OutputOptions

    func run() async throws {
        do { try output.console.result(["version": SlipwayVersion.current], text: "slipway \(SlipwayVersion.current)") } catch {
            throw CommandError(error)
        }
    }
}
