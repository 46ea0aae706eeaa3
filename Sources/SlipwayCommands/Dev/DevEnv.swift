import ArgumentParser
import FleetModel
import Foundation
import SlipwayServer

struct DevEnv: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env", abstract: "Print what `aws` and boto3 need in their environment: eval \"$(slipway dev env)\".")

    @OptionGroup var directory: DataDirectoryOption
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let files = RegionFiles(directory: directory.path)
            let configuration = try files.configuration()
            let credentials = try files.adminCredentials()
            let variables = [
                ("AWS_ENDPOINT_URL_EKS", configuration.listen.localURL), ("AWS_ENDPOINT_URL_STS", configuration.listen.localURL),
                ("AWS_ACCESS_KEY_ID", credentials.accessKeyID), ("AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey),
                ("AWS_DEFAULT_REGION", configuration.region.name),
            ]
            try output.console.result(
                Dictionary(uniqueKeysWithValues: variables), text: variables.map { "export \($0.0)=\($0.1)" }.joined(separator: "\n"))
        } catch { throw CommandError(error) }
    }
}
