import FleetModel
import Glibc
import Substrate
import Synchronization

extension LocalSubstrate {
    /// Packets for an instance that is gone must fail here: by the host's default route they would leave, and a stranger
    /// might answer.
    func ensurePoolRoute() async throws {
        let pool = configuration.addressPool
        if let other = try await foreignRoute() {
            throw SubstrateError(
                .conflict,
                "The address pool \(pool) is taken: this host already has a route to \(other.dst)\(other.dev.map { " by \($0)" } ?? ""). "
                    + "Choose another pool for this region.")
        }
        try await tools.run("ip", ["route", "replace", "unreachable", "\(pool)", "metric", "\(names.routeMetric)"])
    }

    func removePoolRoute() async throws {
        let routes = try HostRoute.decode(try await tools.run("ip", ["-4", "-json", "route", "show", "table", "all"]))
        for route in routes where route.metric == names.routeMetric && route.type == "unreachable" {
            try await tools.run("ip", ["route", "del", "unreachable", route.dst, "metric", "\(names.routeMetric)"])
        }
    }

    /// Writes the rules for all networks of which there is a record.
    func defineIsolation() async throws {
        let networks = try await Blocking.run { [names] in
            FileTree.names(in: names.clusters).compactMap { name -> (bridge: String, block: IPv4Block)? in
                guard let cluster = try? ClusterName(name),
                    let record = Record.read(NetworkRecord.self, names.networkRecord(cluster))
                else { return nil }
                return (names.bridge(cluster), record.network.block)
            }
        }
        try await tools.run("nft", ["-f", "-"], input: isolation.definition(networks, try await egressWays()))
    }

    public func ensureNetwork(_ spec: NetworkSpec) async throws {
        try await throwing("make the network of \(spec.cluster)") {
            try await Blocking.run { [self] in try claims.withLock { _ in try claimNetwork(spec) } }
            let bridge = names.bridge(spec.cluster)
            do {
                try await tools.run("nft", ["-f", "-"], input: isolation.addition(bridge, spec.network.block))
            } catch let error as SubstrateError where error.code == .failed {
                // Somebody flushed the rules.
                try await defineIsolation()
            }
            var lines: [String] = []
            if !HostInterface(name: bridge).exists {
                let address = names.hardwareAddress(spec.network.gateway)
                lines.append("link add \(bridge) address \(address) type bridge forward_delay 0 mcast_snooping 0")
            }
            lines.append("link set dev \(bridge) alias \"\(names.alias(spec.cluster))\" addrgenmode none up")
            lines.append("address replace \(spec.network.gateway)/\(ClusterNetwork.prefixLength) dev \(bridge)")
            try await tools.run("ip", ["-batch", "-"], input: lines.joined(separator: "\n") + "\n")
        }
    }

    /// The record comes first, so that an interrupted call leaves something that is found by the cluster's name.
    private func claimNetwork(_ spec: NetworkSpec) throws {
        guard configuration.addressPool.contains(spec.network.block.base) else {
            throw SubstrateError(.conflict, "The block \(spec.network.block) is not in this region's pool \(configuration.addressPool).")
        }
        let path = names.networkRecord(spec.cluster)
        if let known = Record.read(NetworkRecord.self, path) {
            guard known.network == spec.network else {
                throw SubstrateError(
                    .conflict, "The network of \(spec.cluster) is \(known.network.block) already and cannot become \(spec.network.block).")
            }
            return
        }
        for name in FileTree.names(in: names.clusters) {
            guard let cluster = try? ClusterName(name), cluster != spec.cluster,
                let other = Record.read(NetworkRecord.self, names.networkRecord(cluster)),
                other.network.block.overlaps(spec.network.block)
            else { continue }
            throw SubstrateError(.conflict, "The block \(spec.network.block) is held by the cluster \(cluster).")
        }
        try FileTree.makeDirectory(names.directory(spec.cluster))
        try FileTree.replace(path, try Record.text(NetworkRecord(network: spec.network)))
    }

    func observeNetwork(_ cluster: ClusterName) -> NetworkObservation? {
        let path = names.networkRecord(cluster)
        let bridge = HostInterface(name: names.bridge(cluster))
        let record = Record.read(NetworkRecord.self, path)
        guard FileTree.exists(path) || bridge.exists else { return nil }
        let isComplete = record.map { record in
            bridge.exists && bridge.isUp && bridge.address == record.network.gateway
                && bridge.prefixLength == ClusterNetwork.prefixLength && bridge.alias == names.alias(cluster)
        }
        return NetworkObservation(network: record?.network, isComplete: isComplete ?? false)
    }

    public func removeNetwork(of cluster: ClusterName) async throws {
        try await throwing("remove the network of \(cluster)") {
            let bridge = HostInterface(name: names.bridge(cluster))
            let record = names.networkRecord(cluster)
            var lines: [String] = []
            for name in HostInterface.names() where name.hasPrefix("swv") {
                let link = HostInterface(name: name)
                if names.cluster(alias: link.alias) == cluster || link.bridge == bridge.name { lines.append("link del dev \(name)") }
            }
            if bridge.exists { lines.append("link del dev \(bridge.name)") }
            if !lines.isEmpty { try await tools.run("ip", ["-force", "-batch", "-"], input: lines.joined(separator: "\n") + "\n") }
            if FileTree.exists(record) {
                if let known = Record.read(NetworkRecord.self, record) {
                    do {
                        try await tools.run("nft", ["-f", "-"], input: isolation.removal(bridge.name, known.network.block))
                    } catch let error as SubstrateError where error.code == .failed {
                        // No table: no rules to remove.
                    }
                }
                try await Blocking.run { try FileTree.remove(record) }
            }
            try await Blocking.run { [names] in try FileTree.remove(names.fenceRecord(cluster)) }
            await prune(cluster)
            try await forgetFaults(of: cluster)
        }
    }

    /// Removes the cluster's directory when nothing lives in it any more.
    func prune(_ cluster: ClusterName) async {
        _ = try? await Blocking.run { [names] in
            guard !FileTree.exists(names.networkRecord(cluster)) else { return }
            let directory = names.directory(cluster)
            for name in FileTree.names(in: names.volumes(cluster)) where name.hasPrefix(".") {
                try FileTree.remove("\(names.volumes(cluster))/\(name)")
            }
            for name in ["volumes", "instances", "balancer"] { FileTree.removeIfEmpty("\(directory)/\(name)") }
            if FileTree.names(in: directory) == ["logs"] { try FileTree.remove(names.logs(cluster)) }
            // Of an interrupted write.
            for record in [names.networkRecord(cluster), names.fenceRecord(cluster)] { unlink("\(record).new") }
            FileTree.removeIfEmpty(directory)
        }
    }
}
