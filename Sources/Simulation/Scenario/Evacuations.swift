import ClusterService
import FleetModel
import FleetStore
import Identity
import SimulatedSubstrate
import Timing

/// An operator, who takes zones out of service and back as operators do: healthy ones now and then, the one that is out of
/// order before detection does, and one that is needed while another is out of order, as far as he is let.
struct Evacuations: Sendable {
    let world: SimulatedWorld
    let random: SeededRandom

    private var zones: Zones { Zones(region: world.region, cells: [world.cell], store: world.store, time: world.clock.source) }

    private var principal: Principal { world.administrator("olga") }

    func run() async {
        await SimulationActor.$name.withValue("operator") {
            var random = random
            let time = world.clock.source
            while time.uptime < world.options.busy {
                do { try await time.sleep(for: random.duration(.seconds(2), .seconds(25))) } catch { break }
                guard time.uptime < world.options.busy else { break }
                let isRestoring = random.chance(0.5)
                guard let zone = random.pick(world.region.zones) else { continue }
                await isRestoring ? restore(insisting: random.chance(0.5)) : evacuate(zone, insisting: random.chance(0.3))
            }
            await restore(insisting: true)
        }
    }

    private func evacuate(_ zone: ZoneName, insisting: Bool) async {
        do {
            _ = try await zones.evacuate(zone.rawValue, reason: nil, overrules: insisting, as: principal)
            world.trace.add("evacuates \(zone)")
        } catch {
            world.trace.add("may not evacuate \(zone): \(error)")
        }
    }

    /// What he took out himself; and what nobody else will bring back.
    private func restore(insisting: Bool) async {
        do {
            let policy = try await zones.policy(as: principal)
            for zone in try await zones.list(as: principal) where zone.isEvacuated {
                if zone.spec.isAutomatic, policy.evacuation == .auto { continue }
                do {
                    _ = try await zones.restore(zone.name.rawValue, reason: nil, overrules: insisting, as: principal)
                    world.trace.add("restores \(zone.name)")
                } catch {
                    world.trace.add("may not restore \(zone.name): \(error)")
                }
            }
        } catch {
            world.trace.add("cannot restore zones: \(error)")
        }
    }
}
