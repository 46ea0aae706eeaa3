import ArgumentParser

/// `slipway dev …`
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev", abstract: "A whole region on this machine.",
        subcommands: [DevUp.self, DevDown.self, DevEnv.self, DevStatus.self, DevDoctor.self])
}
