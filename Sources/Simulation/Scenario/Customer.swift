import FleetModel
import FleetStore
import SimulatedSubstrate
import Timing

/// Somebody who creates a cluster, changes his mind about it, and now and then deletes it.
struct Customer: Sendable {
    let world: SimulatedWorld
    let index: Int
    let random: SeededRandom

    func run() async {
        await SimulationActor.$name.withValue("customer-\(index + 1)") {
            do { try await act() } catch { world.trace.add("gives up: \(error)") }
        }
    }

    private func act() async throws {
        var random = random
        let name = try ClusterName("c\(index + 1)")
        let time = world.clock.source
        let end = world.options.busy
        var number = 0
        try await time.sleep(for: random.duration(.zero, .seconds(15)))
        while time.uptime < end {
            number += 1
            try await create(name, number, &random)
            while time.uptime < end {
                try await time.sleep(for: random.duration(.seconds(3), .seconds(25)))
                if random.chance(0.2) { break }
                if random.chance(0.7) { try await change(name, &random) }
                if random.chance(0.1) { await Updates(world: world).cancel(name) }
            }
            // The last cluster stays, or goes, as it comes.
            guard random.chance(0.6) else { return }
            try await delete(name)
            while try await world.store.get(StoreKeys.cluster(name, in: world.cell)) != nil {
                guard time.uptime < end else { return }
                try await time.sleep(for: .seconds(1))
            }
        }
    }

    private func create(_ name: ClusterName, _ number: Int, _ random: inout SeededRandom) async throws {
        let slot = index
        let spec = ControlPlaneSpec(
            release: SimulatedReleases.first, version: try KubernetesVersion("1.33.4"), zones: world.region.zones,
            apiServerCount: 2 + random.index(2), network: try ClusterNetwork(pool: world.pool, slot: slot))
        var settings = ClusterSettings(roleARN: "arn:aws:iam::000000000000:role/r", subnetIDs: [], creatorARN: "")
        settings.zonalShift = random.chance(0.7)
        let cluster = Cluster(
            name: name, cell: world.cell, metadata: Metadata(uid: "\(name)-\(number)", createdAt: world.clock.source.now),
            spec: ClusterSpec(controlPlane: spec, settings: settings))
        let operations: [StoreOperation] = [
            .put(StoreKeys.clusterIndex(name), Array(world.cell.rawValue.utf8)),
            .put(StoreKeys.networkSlot(slot), Array(cluster.metadata.uid.utf8)),
        ]
        world.countRequest()
        world.trace.add("creates \(name) with \(spec.apiServerCount) API servers")
        world.ledger.add(name, spec)
        try await world.store.create(
            cluster, with: operations, if: [.absent(StoreKeys.clusterIndex(name)), .absent(StoreKeys.networkSlot(slot))])
    }

    private func change(_ name: ClusterName, _ random: inout SeededRandom) async throws {
        let dice = random.index(6)
        let count = 2 + random.index(3)
        let isOfServers = random.chance(0.3)
        let size = ["small", "large", "huge"][random.index(3)]
        guard dice > 2 else { return await Updates(world: world).begin(name, &random) }
        try await update(name) { cluster in
            // One that goes back puts back what was before it: the service refuses these meanwhile.
            guard cluster.spec.update == nil else { return }
            switch dice {
            case 3:
                if isOfServers {
                    cluster.spec.controlPlane.apiServerRevision += 1
                } else {
                    cluster.spec.controlPlane.configurationRevision += 1
                }
            case 4: cluster.spec.controlPlane.apiServerCount = count
            default:
                cluster.spec.controlPlane.etcdSize.name = "etcd-\(size)"
                cluster.spec.controlPlane.apiServerSize.name = "api-\(size)"
            }
        }
    }

    private func delete(_ name: ClusterName) async throws {
        let now = world.clock.source.now
        try await update(name) { $0.metadata.deletionRequestedAt = now }
    }

    private func update(_ name: ClusterName, _ change: (inout Cluster) -> Void) async throws {
        var isRefused = false
        let stored = try await world.store.update(Cluster.self, StoreKeys.cluster(name, in: world.cell)) { current in
            var new = current
            change(&new)
            isRefused = new == current
            if new.spec != current.spec { new.metadata.generation += 1 }
            return isRefused ? nil : new
        }
        guard !isRefused, let cluster = stored?.value else { return }
        world.countRequest()
        let spec = cluster.spec.controlPlane
        world.trace.add(
            cluster.metadata.deletionRequestedAt != nil
                ? "deletes \(name)"
                : "wants \(name): \(spec.release), revision \(spec.configurationRevision), \(spec.apiServerCount) \(spec.apiServerSize.name)"
        )
        world.ledger.update(name) {
            $0.spec = spec
            $0.isDeleting = cluster.metadata.deletionRequestedAt != nil
        }
    }
}
