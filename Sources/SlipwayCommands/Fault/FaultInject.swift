import ArgumentParser
import SlipwayClient

struct FaultInject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inject", abstract: "Break a zone, a cluster's part in it, or one instance.",
        discussion: """
            Kinds:
              power      everything dies at once and stays down
              blackhole  packets vanish, both ways, without resets
              loss=30%   packets are dropped at random, each way; above 0 and below 100
              slow       next to no bandwidth (256 kbit/s) and CPU (2 % of one core)
              freeze     processes stand still, their connections stay open
              disk-slow  each write of etcd to its volume takes seconds
              disk-full  etcd's volume takes no more data

            The load balancer belongs to no zone and is not touched.
            """)

    @Option(help: "The zone, such as local-1a.")
    var zone: String

    @Option(help: "Only this cluster.")
    var cluster: String?

    @Option(help: "Only this instance of the cluster; `slipway cluster describe` names them.")
    var instance: String?

    @Option(help: "What goes wrong; see above.")
    var kind: String

    @OptionGroup var region: RegionOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        do {
            let request = FaultRequest(kind: kind, zone: zone, cluster: cluster, instance: instance)
            let fault = try await region.client().injectFault(request)
            try output.console.result(
                fault, text: "Fault \(fault.id) stands: \(fault.kind) of \(fault.scope). `slipway fault clear \(fault.id)` ends it.")
        } catch { throw CommandError(error) }
    }
}
