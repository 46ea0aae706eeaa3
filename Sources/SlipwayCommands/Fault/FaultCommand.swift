import ArgumentParser

/// `slipway fault …`
struct FaultCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fault", abstract: "Break something on purpose, and watch.",
        discussion: """
            A fault stands until it is cleared, also when Slipway is killed and started again, and takes hold of instances that are made \
            meanwhile. Try: `slipway fault inject --zone local-1a --kind power`, then `kubectl get --raw /readyz`, then \
            `slipway fault clear`.
            """,
        subcommands: [FaultInject.self, FaultListing.self, FaultClear.self])
}
