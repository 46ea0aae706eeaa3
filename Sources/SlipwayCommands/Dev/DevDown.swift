import ArgumentParser
import Foundation
import SlipwayServer
import Timing

struct DevDown: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "down", abstract: "Stop the region on this machine with all its clusters; their data stays.")

    @Flag(help: "Remove everything: clusters with their data, users, the region.")
    var purge = false

    @OptionGroup var directory: DataDirectoryOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let console = output.console
            let start = TimeSource.system.uptime
            let dev = DevRegion(directory: directory.path) { text in
                console.note(
                    "\(console.paint(Durations.text((TimeSource.system.uptime - start).seconds).leftPadded(to: 8), .dim))  \(text)")
            }
            try await dev.down(purge: purge)
            try console.result(
                ["stopped": directory.path],
                text: purge
                    ? "Nothing is left of the region in \(directory.path)."
                    : "The region in \(directory.path) is stopped; `slipway dev up\(directory.hint)` brings it back with its clusters and their data."
            )
        } catch { throw CommandError(error) }
    }
}
