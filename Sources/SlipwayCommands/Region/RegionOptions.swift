import ArgumentParser
import AsyncHTTPClient
import FleetModel
import Foundation
import SlipwayClient
import SlipwayServer

/// Where the region's data directory is.
struct DataDirectoryOption: ParsableArguments {
    @Option(
        name: .customLong("data-dir"),
        help: "The region's data directory (default: SLIPWAY_DATA_DIR, else \(RegionConfiguration.defaultDataDirectory)).")
    var dataDir: String?

    /// Absolute.
    var path: String {
        let text = dataDir ?? ProcessInfo.processInfo.environment["SLIPWAY_DATA_DIR"] ?? RegionConfiguration.defaultDataDirectory
        return URL(filePath: text).standardizedFileURL.path
    }

    /// What a command that is shown to people needs in order to mean this region: ` --data-dir DIR`, or nothing for the default.
    var hint: String { path == RegionConfiguration.defaultDataDirectory ? "" : " --data-dir \(path)" }
}

/// Which region a command talks to: the one in the data directory of this machine, or SLIPWAY_ENDPOINT with AWS credentials.
struct RegionOptions: ParsableArguments {
    @OptionGroup var directory: DataDirectoryOption

    @Option(help: "The region's address (default: SLIPWAY_ENDPOINT, else what the data directory says).")
    var endpoint: String?

    /// What a command that is shown to people needs in order to mean this region.
    var hint: String {
        if let endpoint { return " --endpoint \(endpoint)" }
        return ProcessInfo.processInfo.environment["SLIPWAY_ENDPOINT"] == nil ? directory.hint : ""
    }

    /// - Throws: `CommandError` (`usage`) that says what is missing.
    func client() throws -> OperatorClient {
        let environment = ProcessInfo.processInfo.environment
        if let endpoint = endpoint ?? environment["SLIPWAY_ENDPOINT"] {
            guard let key = environment["AWS_ACCESS_KEY_ID"], let secret = environment["AWS_SECRET_ACCESS_KEY"] else {
                throw CommandError(
                    .usage, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set.",
                    advice: "Set them to an access key of the region; `slipway user key create NAME` makes one.")
            }
            return OperatorClient(
                endpoint: endpoint, region: environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? "local-1",
                credentials: ClientCredentials(accessKeyID: key, secretAccessKey: secret))
        }
        let files = RegionFiles(directory: directory.path)
        let configuration = try files.configuration()
        let credentials = try files.adminCredentials()
        return OperatorClient(
            endpoint: configuration.listen.localURL, region: configuration.region.name,
            credentials: ClientCredentials(accessKeyID: credentials.accessKeyID, secretAccessKey: credentials.secretAccessKey))
    }
}
