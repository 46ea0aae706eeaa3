import ArgumentParser

/// `slipway cluster …`
struct ClusterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster", abstract: "Make, see and delete clusters.",
        subcommands: [
            ClusterCreate.self, ClusterList.self, ClusterDescribe.self, ClusterWatch.self, ClusterKubeconfig.self,
            ClusterUpdateCommand.self, ClusterPatchCommand.self, ClusterRotateCommand.self, ClusterResizeCommand.self, ClusterRecover.self,
            ClusterDelete.self,
        ])
}
