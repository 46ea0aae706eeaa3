import ClusterService
import FleetModel
import FleetStore
import SimulatedSubstrate
import Timing

/// What a customer does about updates, through the service's own admission.
struct Updates: Sendable {
    let world: SimulatedWorld

    /// Asks for a release, good or bad, or for another configuration.
    func begin(_ name: ClusterName, _ random: inout SeededRandom) async {
        let dice = random.index(10)
        let isInPlace = random.chance(0.3)
        let isOn = random.chance(0.5)
        let minor = random.pick(["1.33", "1.34"]) ?? "1.33"
        guard let release = random.pick(world.releases.ids) else { return }
        // No draw of its own: what else happens stays as it was.
        let strategy: UpdateIntent.Strategy = isInPlace ? .inPlace : release.rawValue.hasSuffix("3") ? .sequential : .blueGreen
        let (clusters, customer) = (world.clusters, world.administrator("carla"))
        let text = name.rawValue
        switch dice {
        case 0:
            await ask(name, isOn ? "audit logs" : "no audit logs") {
                var change = ClusterChange()
                change.logging = NewCluster.Logging(clusterLogging: [.init(types: ["audit"], enabled: isOn)])
                return try await clusters.change(text, change, as: customer)
            }
        case 1:
            await ask(name, isOn ? "everybody at its endpoint" : "fewer at its endpoint") {
                var change = ClusterChange()
                change.resourcesVpcConfig = NewCluster.VPCConfig()
                change.resourcesVpcConfig?.publicAccessCidrs = [isOn ? "0.0.0.0/0" : "192.0.2.0/24"]
                return try await clusters.change(text, change, as: customer)
            }
        case 2:
            await ask(name, "the newest \(minor)") {
                try await clusters.updateVersion(text, VersionChange(version: minor), as: customer)
            }
        default:
            await ask(name, "\(release) (\(strategy))") {
                try await clusters.updateRelease(text, ReleaseChange(release: release.rawValue, strategy: strategy), as: customer)
            }
        }
    }

    func cancel(_ name: ClusterName) async {
        do {
            _ = try await world.clusters.cancelUpdate(nil, of: name.rawValue, as: world.administrator("carla"))
            world.ledger.cancel(name)
            world.countRequest()
            world.trace.add("cancels the update of \(name)")
        } catch {
            refused("cancel an update of \(name)", error)
        }
    }

    private func ask(_ name: ClusterName, _ what: String, _ body: () async throws -> ClusterUpdate) async {
        do {
            let update = try await body()
            let key = StoreKeys.cluster(name, in: world.cell)
            // Nothing can have changed meanwhile: everybody else takes time for whatever he does.
            guard update.status == .inProgress, let spec = try await world.store.get(Cluster.self, key)?.value.spec,
                let intent = spec.update, intent.id == update.id
            else { return }
            world.countRequest()
            world.trace.add("wants \(name) to have \(what)")
            world.ledger.begin(
                .init(
                    intent: intent, target: spec.controlPlane, isGood: world.releases.isGood(spec.controlPlane.release),
                    begun: world.clock.now), of: name)
        } catch {
            refused("have \(what) for \(name)", error)
        }
    }

    /// Messages name updates by ids that are others each time.
    private func refused(_ what: String, _ error: any Error) {
        world.trace.add("may not \(what): \((error as? ClusterServiceError)?.code.rawValue ?? "\(error)")")
    }
}
