import ArgumentParser
import SlipwayClient

struct FaultClear: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "clear", abstract: "End a fault, or all of them, and undo what it did.")

    @Argument(help: "The fault's id; all without one.")
    var id: String?

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let cleared = try await region.client().clearFaults(id)
            try output.console.result(
                cleared,
                text: cleared.isEmpty
                    ? "No fault stands." : cleared.map { "Cleared \($0.id): \($0.kind) of \($0.scope)." }.joined(separator: "\n"))
        } catch { throw CommandError(error) }
    }
}
