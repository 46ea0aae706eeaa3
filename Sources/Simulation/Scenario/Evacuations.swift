import Fleet
import FleetModel
import SimulatedSubstrate
import Substrate
import Timing

/// Takes zones out of service and back: those that are out of reach, a moment later; healthy ones, now and then, by hand; and,
/// what detection would not do, a healthy one while another is out of reach: it must not make anything worse.
struct Evacuations: Sendable {
    let world: SimulatedWorld
    let random: SeededRandom

    func run() async {
        await SimulationActor.$name.withValue("operator") {
            var random = random
            let time = world.clock.source
            while time.uptime < world.options.busy {
                do { try await time.sleep(for: random.duration(.milliseconds(500), .seconds(8))) } catch { break }
                let dark = world.substrate.unreachableZones
                var zones = dark
                switch random.index(10) {
                case 0: zones = Set([random.pick(world.region.zones)].compactMap(\.self))
                case 1 where dark.isEmpty: zones = Set([random.pick(world.region.zones)].compactMap(\.self))
                case 2: zones = []
                default: break
                }
                set(zones, isolated: random.chance(0.3) ? deadInstances(&random) : [:])
            }
            set([], isolated: [:])
        }
    }

    /// Single instances that do not answer, and now and then one that does.
    private func deadInstances(_ random: inout SeededRandom) -> [ClusterName: Set<String>] {
        var found: [ClusterName: Set<String>] = [:]
        for name in world.substrate.existing {
            let (seen, health) = world.substrate.trueState(of: name)
            let silent = seen.instances.filter { health.etcdMembers[$0.id.name] == nil && health.apiServers[$0.id.name] == nil }
            let choices = random.chance(0.2) ? seen.instances : silent
            if let victim = random.pick(choices) { found[name] = [victim.id.name] }
        }
        return found
    }

    private func set(_ zones: Set<ZoneName>, isolated: [ClusterName: Set<String>]) {
        let text = zones.sorted().map(\.description) + isolated.sorted { $0.key < $1.key }.map { "\($0.key)/\($0.value.sorted())" }
        world.trace.add("out of service: \(text.isEmpty ? "nothing" : text.joined(separator: ", "))")
        world.board.set(evacuated: zones, isolated: isolated)
        // What a manager has seen before is no longer true, without its fault.
        world.ledger.noteFault(at: world.clock.now)
    }
}
