import ArgumentParser
import Foundation
import SlipwayClient

struct ClusterResizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resize", abstract: "Give a cluster's etcd another quota; its members get it one after the other.")

    @Argument var name: String

    @Option(help: "Of etcd's database, in MiB (16 to 16384; the standard is 8192).")
    var etcdQuota: Int

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let cluster = try await region.client().resizeCluster(name, ClusterResize(etcdQuotaMiB: etcdQuota))
            try output.console.result(
                cluster, text: "etcd of \(name) gets a quota of \(etcdQuota) MiB; `slipway cluster watch \(name)` shows how far it is.")
        } catch { throw CommandError(error) }
    }
}
