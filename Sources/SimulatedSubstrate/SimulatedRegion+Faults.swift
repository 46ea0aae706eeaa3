import FleetModel
import Substrate

extension SimulatedRegion {
    /// What was set up before elsewhere, or the same again, is left as it is.
    mutating func inject(_ fault: Fault, _ now: Duration) throws {
        try fault.check()
        if let known = faults.first(where: { $0.id == fault.id }) {
            guard known == fault else {
                throw SubstrateError(.conflict, "Another fault has the id '\(fault.id)': \(known.kind) of \(known.scope).")
            }
            return
        }
        settleAll(now)
        faults.append(fault)
        faults.sort { ($0.since, $0.id) < ($1.since, $1.id) }
        settleAll(now)
    }

    mutating func clear(_ id: String?, _ now: Duration) throws {
        let ending = faults.filter { id == nil || $0.id == id }
        if ending.isEmpty, let id { throw SubstrateError(.invalid, "No fault has the id '\(id)'.") }
        settleAll(now)
        let before = faults
        faults.removeAll { fault in ending.contains { $0.id == fault.id } }
        let (after, starts) = (faults, now + timings.restart)
        for name in clusters.keys.sorted() { change(name, now) { $0.restart(from: before, to: after, at: starts) } }
        settleAll(now)
    }

    func requirePower(_ spec: InstanceSpec) throws {
        if faults.contains(where: { $0.kind == .power && $0.covers(spec.id, in: spec.zone) }) {
            throw SubstrateError(.unavailable, "zone \(spec.zone) does not answer")
        }
    }

    /// How likely an answer of an instance is to be lost or late, 0 to 1: of two packets, one each way, each may be lost; the starved one and the
    /// one that waits for its disk are late every other time.
    func lateness(of id: InstanceID) -> Double {
        let id = id.holder
        guard !faults.isEmpty, let instance = clusters[id.cluster]?.instances.first(where: { $0.id == id }) else { return 0 }
        let effects = FaultEffects(of: faults, on: id, in: instance.zone, hasVolume: instance.volume != nil)
        let kept = (100 - effects.lossPercent) / 100
        return max(1 - kept * kept, effects.isStarved || effects.hasSlowDisk ? 0.5 : 0)
    }
}

extension SimulatedCluster {
    /// Processes that had ended for a fault start again.
    fileprivate mutating func restart(from before: [Fault], to after: [Fault], at time: Duration) {
        for index in instances.indices where instances[index].state == .running {
            let instance = instances[index]
            func effects(_ faults: [Fault]) -> FaultEffects {
                FaultEffects(of: faults, on: instance.id, in: instance.zone, hasVolume: instance.volume != nil)
            }
            let (old, new) = (effects(before), effects(after))
            guard old.hasNoPower && !new.hasNoPower || old.hasFullDisk && !new.hasFullDisk else { continue }
            for part in instance.components.indices { instances[index].components[part].startsAt = time }
        }
    }
}

extension SimulatedSubstrate: FaultInjecting {
    public func inject(_ fault: Fault) async throws { try attempt { try $0.inject(fault, $1) } }
    public func clear(_ id: String?) async throws { try attempt { try $0.clear(id, $1) } }
    public func faults() async throws -> [Fault] { standingFaults }

    public var standingFaults: [Fault] {
        var found: [Fault] = []
        disturb { region, _ in found = region.faults }
        return found
    }

    /// At once, as the world does it.
    public func begin(_ fault: Fault) { disturb { region, now in try? region.inject(fault, now) } }
    public func end(_ fault: Fault) { disturb { region, now in try? region.clear(fault.id, now) } }

    private func attempt(_ body: (inout SimulatedRegion, Duration) throws -> Void) throws {
        var failure: (any Error)?
        disturb { region, now in
            do { try body(&region, now) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}
