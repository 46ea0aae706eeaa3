import FleetModel
import SimulatedSubstrate
import Substrate
import Synchronization
import Timing

/// Whether what was taken out of service makes a cluster serve worse than leaving it alone would. While others fail as well it
/// may be so for a moment: until a manager that can act has seen it.
final class EvacuationHarm: Sendable {
    private struct State {
        /// Ended because it was out of service.
        var ended: [ClusterName: [InstanceID: InstanceObservation]] = [:]
        /// It has been so, with a manager that could act, since then.
        var since: [ClusterName: Duration] = [:]
        var accused: Set<ClusterName> = []
        /// When calls to the substrate last were of those that take very long.
        var slowAt: Duration?
    }

    private let world: SimulatedWorld
    private let state = Mutex(State())

    private static let interval = Duration.seconds(1)

    init(world: SimulatedWorld) { self.world = world }

    /// Until cancelled.
    func run() async {
        while (try? await world.clock.source.sleep(for: Self.interval)) != nil { look() }
    }

    /// An instance that answers is about to be ended because its zone, or it alone, is out of service.
    func note(endOf instance: InstanceObservation) {
        state.withLock { $0.ended[instance.id.cluster, default: [:]][instance.id] = instance }
    }

    private func look() {
        let now = world.clock.now
        let weather = world.substrate.callFaults
        if weather.slow > 0 { state.withLock { $0.slowAt = now } }
        guard let leader = world.managers.living.first(where: { $0.isLeading && !$0.isPaused }) else {
            state.withLock { $0.since = [:] }
            return
        }
        let entries = world.ledger.entries
        for name in world.substrate.existing {
            let ended = stillEnded(name, leader.view(of: name))
            guard let entry = entries[name], entry.isEstablished, !entry.isDeleting,
                let service = world.substrate.service(of: name, without: ended), service.wouldServe, !service.serves
            else {
                state.withLock { $0.since[name] = nil }
                continue
            }
            let (lasts, isNew) = state.withLock { state in
                let since = state.since[name] ?? now
                state.since[name] = since
                let isSlow = state.slowAt.map { now - $0 <= weather.slowness } ?? false
                let lasts = now - since
                let isTooLong = lasts >= world.options.harmPatience + (isSlow ? weather.slowness : .zero)
                return (lasts, isTooLong && state.accused.insert(name).inserted)
            }
            if isNew {
                world.ledger.accuse(
                    "worse than left alone: it has not served for \(Int(lasts.seconds)) s, and would without its fences and evacuation",
                    name)
            }
        }
    }

    /// Of what has been ended: what is out of service still, as the one that acts sees it.
    private func stillEnded(_ name: ClusterName, _ view: ManagerLife.View) -> [InstanceObservation] {
        state.withLock { state in
            guard let ended = state.ended[name] else { return [] }
            let still = ended.filter { view.zones.contains($0.value.zone) || view.isolated.contains($0.key.name) }
            state.ended[name] = still.isEmpty ? nil : still
            return Array(still.values)
        }
    }
}
