import FleetModel
import Substrate

extension LocalSubstrate: FaultInjecting {
    public func faults() async throws -> [Fault] {
        // One that could not be undone is still there.
        try await throwing("list the faults") { try await Blocking.run { [faultRecords] in faultRecords.entries().map(\.fault) } }
    }

    public func inject(_ fault: Fault) async throws {
        try await throwing("inject the fault \(fault.id)") {
            try fault.check()
            try await faultTurns.take {
                let known = faultRecords.entries().first { $0.fault.id == fault.id }
                if let known, known.isEnding || known.fault != fault {
                    throw SubstrateError(.conflict, "Another fault has the id '\(fault.id)': \(known.fault.kind) of \(known.fault.scope).")
                }
                // The record is there before anything is broken: what breaks can be found and undone.
                try await Blocking.run { [faultRecords] in try faultRecords.write(.init(fault: fault)) }
                do {
                    try await takeHold(of: [fault])
                } catch {
                    if known == nil { try? await undo([fault]) }
                    throw error
                }
            }
        }
    }

    public func clear(_ id: String?) async throws {
        try await throwing("clear \(id.map { "the fault \($0)" } ?? "all faults")") {
            try await faultTurns.take {
                let ending = faultRecords.entries().map(\.fault).filter { id == nil || $0.id == id }
                if ending.isEmpty, let id {
                    throw SubstrateError(.invalid, "No fault has the id '\(id.prefix(60))'; 'slipway fault list' shows those that stand.")
                }
                try await undo(ending)
            }
        }
    }

    /// Breaks all that the faults cover.
    private func takeHold(of faults: [Fault]) async throws {
        let standing = faultRecords.standing()
        try await defineFaultRules(standing)
        let hit = try await Blocking.run { [self] in
            victims(of: standing).filter { victim in faults.contains { $0.covers(victim.record.id, in: victim.record.zone) } }
        }
        try await enforce(hit)
    }

    private func undo(_ faults: [Fault]) async throws {
        guard !faults.isEmpty else { return }
        try await Blocking.run { [faultRecords] in
            for fault in faults { try faultRecords.write(.init(fault: fault, isEnding: true)) }
        }
        try await takeHold(of: faults)
        try await Blocking.run { [faultRecords] in for fault in faults { try faultRecords.remove(fault.id) } }
    }

    /// After a restart of this process or of the host: what stands takes hold again, and what was being undone is.
    func restoreFaults() async throws {
        try await faultTurns.take {
            let entries = try await Blocking.run { [faultRecords] in faultRecords.entries() }
            guard !entries.isEmpty else { return }
            try await takeHold(of: entries.filter { !$0.isEnding }.map(\.fault))
            try await undo(entries.filter(\.isEnding).map(\.fault))
        }
    }

    /// Of a cluster that is gone.
    func forgetFaults(of cluster: ClusterName) async throws {
        try await faultTurns.take {
            let entries = try await Blocking.run { [faultRecords] in faultRecords.entries() }
            guard entries.contains(where: { $0.fault.cluster == cluster }) else { return }
            for entry in entries where entry.fault.cluster == cluster { try faultRecords.remove(entry.fault.id) }
            try await defineFaultRules(faultRecords.standing())
        }
    }

    /// - Throws: `SubstrateError` (`unavailable`) when the instance would be where no power is.
    func requirePower(_ spec: InstanceSpec) async throws {
        let faults = try await Blocking.run { [faultRecords] in faultRecords.standing() }
        if let fault = faults.first(where: { $0.kind == .power && $0.covers(spec.id, in: spec.zone) }) {
            throw SubstrateError(
                .unavailable, "Zone \(spec.zone) does not answer: it has no power (fault \(fault.id); 'slipway fault clear \(fault.id)').")
        }
    }

    /// Lets what stands take hold of an instance that is being made, before its processes start and again when they have.
    func takeHold(of spec: InstanceSpec, _ unit: Unit) async throws {
        guard FileTree.exists(faultRecords.directory) else { return }
        try await faultTurns.take {
            let standing = try await Blocking.run { [faultRecords] in faultRecords.standing() }
            let newcomer = victim(unit, InstanceRecord(spec), standing)
            guard newcomer.effects != .none else { return }
            try await defineFaultRules(standing, with: newcomer)
            try await enforce([newcomer])
        }
        try await requirePower(spec)
    }
}
