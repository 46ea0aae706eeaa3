import FleetModel
import Logging
import Substrate

/// What an instance reaches outside of its cluster's network: nothing but what its spec names.
extension LocalSubstrate {
    /// - Parameter before: what was asked of the instance until now.
    func arrangeEgress(of unit: Unit, _ spec: InstanceSpec, before: InstanceRecord?) async throws {
        guard !spec.egress.isEmpty || before?.hasEgress == true else { return }
        let route = spec.egress.isEmpty ? ["flush", "default"] : ["replace", "default", "via", "\(spec.network.gateway)"]
        try await tools.run("ip", ["-netns", unit.namespace, "route"] + route)
        try await defineEgress()
        if !spec.egress.isEmpty, FileTree.text("/proc/sys/net/ipv4/ip_forward") != "1" {
            let names = spec.egress.map { "\($0.host):\($0.port)" }.joined(separator: ", ")
            logger.warning(
                "the host forwards nothing (net.ipv4.ip_forward is 0): an instance reaches outside what is on this host only",
                metadata: ["instance": "\(spec.id)", "egress": "\(names)"])
        }
    }

    /// Writes anew what is open, as the records of all instances say it.
    func defineEgress() async throws {
        try await egressTurns.take {
            let ways = try await egressWays()
            do {
                try await tools.run("nft", ["-f", "-"], input: isolation.opening(ways))
            } catch let error as SubstrateError where error.code == .failed {
                // Somebody flushed the rules.
                try await defineIsolation()
            }
        }
    }

    func egressWays() async throws -> Set<EgressWay> {
        try await Blocking.run { [names] in
            let servers = EgressWay.nameServers(FileTree.text("/etc/resolv.conf") ?? "")
            var ways: Set<EgressWay> = []
            for entry in FileTree.names(in: names.clusters) {
                guard let cluster = try? ClusterName(entry) else { continue }
                for name in FileTree.names(in: names.instances(cluster)) where !name.hasPrefix(".") {
                    let unit = names.unit(InstanceID(cluster: cluster, name: name))
                    guard let record = Record.read(InstanceRecord.self, unit.record), let egress = record.egress else { continue }
                    ways.formUnion(EgressWay.all(from: record.address, egress, nameServers: servers))
                }
            }
            return ways
        }
    }
}
