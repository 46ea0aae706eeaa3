import FleetModel
import Logging
import Substrate

extension LocalSubstrate {
    /// The record comes first: a namespace that is made meanwhile reads it, and one that was made before is listed.
    public func ensureFence(_ addresses: Set<IPv4Address>, of cluster: ClusterName) async throws {
        try await throwing("fence off \(addresses.count) addresses of \(cluster)") {
            let old = try await Blocking.run { [self] in fence(of: cluster) }
            // Nothing was ever fenced off, or there is no such cluster.
            if old == nil, addresses.isEmpty { return }
            try await Blocking.run { [names] in
                guard FileTree.exists(names.networkRecord(cluster)) else {
                    throw SubstrateError(.failed, "The network of \(cluster) is not there; it is made first.")
                }
                let record = FenceRecord(addresses: old?.addresses ?? [], next: addresses)
                try FileTree.replace(names.fenceRecord(cluster), try Record.text(record))
            }
            let units = try await Blocking.run { [self] in connectedUnits(of: cluster) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (unit, address) in units {
                    let isBehind = address.map { addresses.contains($0) } ?? false
                    group.addTask { [self] in try await apply(isBehind ? nil : addresses, to: unit) }
                }
                try await group.waitForAll()
            }
            try await Blocking.run { [names] in
                let path = names.fenceRecord(cluster)
                if addresses.isEmpty { return try FileTree.remove(path) }
                try FileTree.replace(path, try Record.text(FenceRecord(addresses: addresses, next: nil)))
            }
        }
    }

    public func resetClients(of addresses: Set<IPv4Address>, in cluster: ClusterName) async throws {
        try await throwing("end connections in \(cluster)") {
            let units = try await Blocking.run { [self] in connectedUnits(of: cluster) }
            await withTaskGroup(of: Void.self) { group in
                for (unit, _) in units where Record.read(InstanceRecord.self, unit.record)?.role == .apiServer {
                    group.addTask { [self] in await endConnections(addresses, of: unit) }
                }
            }
        }
    }

    /// On a kernel without CONFIG_INET_DIAG_DESTROY nothing ends: a fence resets the next segment all the same.
    private func endConnections(_ addresses: Set<IPv4Address>, of unit: Unit) async {
        do {
            try await tools.run("nsenter", ["--net=\(unit.namespacePath)", "--", "ss"] + Fence.endConnections(addresses))
        } catch {
            logger.debug("open connections were not ended", metadata: ["unit": "\(unit.cluster)/\(unit.name)", "error": "\(error)"])
        }
    }

    func fence(of cluster: ClusterName) -> FenceRecord? { Record.read(FenceRecord.self, names.fenceRecord(cluster)) }

    /// A new namespace has the fence before anything runs in it.
    func joinFence(_ unit: Unit, address: IPv4Address) async throws {
        guard let record = try await Blocking.run({ [self] in fence(of: unit.cluster) }) else { return }
        let addresses = record.next ?? record.addresses
        try await apply(addresses.contains(address) ? nil : addresses, to: unit)
    }

    /// Units that have a network namespace, with their addresses as far as they are known.
    private func connectedUnits(of cluster: ClusterName) -> [(unit: Unit, address: IPv4Address?)] {
        NetworkNamespace.names().compactMap { name in
            guard let parts = names.parts(namespace: name), parts.cluster == cluster else { return nil }
            if parts.unit == Unit.balancerName { return (names.balancer(cluster), nil) }
            let unit = names.unit(InstanceID(cluster: cluster, name: parts.unit))
            return (unit, Record.read(InstanceRecord.self, unit.record)?.address)
        }
    }

    private func apply(_ addresses: Set<IPv4Address>?, to unit: Unit) async throws {
        do {
            try await tools.run("nsenter", ["--net=\(unit.namespacePath)", "--", "nft", "-f", "-"], input: Fence.definition(addresses))
            guard let addresses, !addresses.isEmpty else { return }
            // At once, and not only at the next retransmission, which may be a second away.
            await endConnections(addresses, of: unit)
        } catch let error as SubstrateError where error.code == .failed {
            // Who is gone needs no fence.
            if NetworkNamespace.isMounted(unit.namespacePath) { throw error }
        }
    }
}
