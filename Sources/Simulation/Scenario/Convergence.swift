import Fleet
import FleetModel
import FleetStore
import SimulatedSubstrate
import Substrate

/// Whether everything is as the customers asked. Judged from the true state and not by the planner.
struct Convergence: Sendable {
    let world: SimulatedWorld

    /// What is not as wanted; empty when all is.
    func problems() async -> [String] {
        var found: [String] = []
        let entries = world.ledger.entries
        for name in entries.keys.sorted() {
            guard let entry = entries[name], !entry.isDeleting else { continue }
            found += problems(of: name, entry)
        }
        for name in world.substrate.existing where entries[name]?.isDeleting != false {
            found.append("\(name) was deleted, and something of it is left on the substrate")
        }
        // What the store says is asked only once the rest is right: to read it costs more.
        return found.isEmpty ? await storeProblems(entries) : found
    }

    private func problems(of name: ClusterName, _ entry: Ledger.Entry) -> [String] {
        var found: [String] = []
        let (seen, health) = world.substrate.trueState(of: name)
        let spec = entry.spec
        let etcd = seen.instances.filter { $0.role == .etcd }
        let servers = seen.instances.filter { $0.role == .apiServer }
        if seen.network != NetworkObservation(network: spec.network, isComplete: true) { found.append("\(name): its network") }
        if Set(etcd.map(\.zone)) != Set(spec.zones) || etcd.count != spec.zones.count { found.append("\(name): its etcd members") }
        if servers.count != spec.apiServerCount { found.append("\(name): \(servers.count) API servers for \(spec.apiServerCount)") }
        if !seen.fenced.isEmpty { found.append("\(name): \(seen.fenced.count) addresses are fenced off") }
        if world.substrate.members(of: name).contains(where: { $0.isLearner || !$0.hasStarted }) {
            found.append("\(name): a member of etcd has not joined")
        }
        if Set(servers.map(\.zone)).count < 2 { found.append("\(name): its API servers are in one zone") }
        for instance in seen.instances {
            guard instance.release == spec.release(of: instance.role),
                instance.configurationRevision == spec.revision(of: instance.role), instance.sizeName == spec.sizeName(of: instance.role)
            else {
                found.append("\(instance.id): not the wanted release, revision or size")
                continue
            }
            let isFine =
                instance.role == .etcd
                ? health.etcdMembers[instance.id.name]?.isHealthy == true : health.apiServers[instance.id.name]?.isReady == true
            if !isFine { found.append("\(instance.id): not healthy") }
            if instance.hasStoppedControllers { found.append("\(instance.id): its controllers are stopped") }
        }
        if health.etcdMembers.values.count(where: \.isLeader) != 1 { found.append("\(name): etcd has no leader") }
        if let balancer = seen.loadBalancer, balancer.access != spec.endpointAccess { found.append("\(name): who reaches its endpoint") }
        let serving = seen.loadBalancer?.backends.filter { $0.admission == .ready && $0.isHealthy }.map(\.name).sorted()
        if serving != servers.map(\.id.name).sorted() || seen.loadBalancer?.backends.count != servers.count {
            found.append("\(name): the endpoint does not lead to its API servers")
        }
        return found
    }

    /// Every zone serves, is found well, and nothing in it is held to be dead.
    private func zoneProblems() async throws -> [String] {
        var found: [String] = []
        for zone in try await world.store.list(Zone.self, prefix: StoreKeys.zones).items.map(\.value) {
            if zone.isEvacuated { found.append("zone \(zone.name) is still out of service: \(zone.spec.reason)") }
            if zone.status.health.isImpaired { found.append("zone \(zone.name) is still found \(zone.status.health.text)") }
        }
        let isolated = try await world.store.get(CellIsolation.self, CellIsolation.key(world.cell))?.value.instances ?? [:]
        for (cluster, instances) in isolated where !instances.isEmpty {
            found.append("\(instances.sorted()) of \(cluster) are still held to be dead")
        }
        return found
    }

    private func storeProblems(_ entries: [ClusterName: Ledger.Entry]) async -> [String] {
        var found: [String] = []
        do {
            var expected: Set<StoreKey> = []
            for stored in try await world.store.list(Cluster.self, prefix: StoreKeys.clusters(in: world.cell)).items {
                let cluster = stored.value
                guard let entry = entries[cluster.name], !entry.isDeleting else {
                    found.append("\(cluster.name) was deleted and is still in the store")
                    continue
                }
                expected.formUnion([cluster.storeKey, StoreKeys.clusterIndex(cluster.name)])
                if cluster.spec.update != nil { found.append("\(cluster.name) is still being updated") }
                let status = cluster.status
                if status.phase != .active || status.activeSince == nil { found.append("\(cluster.name): status \(status.phase.rawValue)") }
                if status.observedGeneration != cluster.metadata.generation { found.append("\(cluster.name): an old generation's status") }
                if status.conditions.contains(where: {
                    [.available, .progressing, .degraded].contains($0.kind) && $0.status != ($0.kind == .available ? .yes : .no)
                }) || !status.waits.isEmpty {
                    found.append("\(cluster.name): its conditions say that something is wrong")
                }
                if status.steps.contains(where: { $0.finishedAt == nil }) { found.append("\(cluster.name): a step that never ended") }
            }
            for (name, entry) in entries where !entry.isDeleting && !expected.contains(StoreKeys.cluster(name, in: world.cell)) {
                found.append("\(name) is not in the store")
            }
            let slots = try await world.store.list(prefix: StoreKeys.networkSlots).values.count
            if slots != expected.count / 2 { found.append("\(slots) network slots are taken for \(expected.count / 2) clusters") }
            for update in try await world.store.list(ClusterUpdate.self, prefix: world.updates).items.map(\.value) {
                guard entries[update.cluster]?.isDeleting == false else { continue }
                expected.insert(update.storeKey)
                if update.status == .inProgress { found.append("an update of \(update.cluster) has not ended") }
            }
            expected.formUnion([StoreKeys.leader(of: world.cell), CellIsolation.key(world.cell)])
            found += try await zoneProblems()
            let keys = try await world.store.list(prefix: "cells/").values + world.store.list(prefix: StoreKeys.clusterIndexPrefix).values
            for value in keys where !expected.contains(value.key) { found.append("'\(value.key)' is left in the store") }
        } catch {
            found.append("the store: \(error)")
        }
        return found.sorted()
    }
}
