import ArgumentParser
import Foundation
import Releases
import SlipwayServer

/// `slipway release …`
struct ReleaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "release", abstract: "The Kubernetes and etcd programs that clusters run.",
        subcommands: [ReleaseImport.self, ReleaseListing.self, ReleaseVerify.self, ReleaseRemove.self])
}

/// Where releases are: they are files of this machine, and need no running region.
struct ReleaseStoreOptions: ParsableArguments {
    @OptionGroup var directory: DataDirectoryOption

    @Option(
        name: .customLong("releases-dir"),
        help: "The directory of releases (default: the region's, else 'releases' in SLIPWAY_CACHE or ~/.cache/slipway).")
    var releasesDirectory: String?

    func store() throws -> ReleaseStore {
        if let releasesDirectory { return ReleaseStore(directory: URL(filePath: releasesDirectory).standardizedFileURL.path) }
        let files = RegionFiles(directory: directory.path)
        if files.exists, let chosen = try? files.configuration().releasesDirectory { return ReleaseStore(directory: chosen) }
        return ReleaseStore(directory: ImportEnvironment().releasesDirectory)
    }
}
