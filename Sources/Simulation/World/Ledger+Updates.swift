import FleetModel
import Planning
import SimulatedSubstrate
import Substrate

extension Ledger {
    /// An update as a customer asked for it.
    struct Update: Sendable {
        var intent: UpdateIntent
        /// What the cluster is to be.
        var target: ControlPlaneSpec
        /// Nothing is wrong with its release.
        var isGood: Bool
        var begun: Duration
        var isCancelled = false
        var ended: Duration?
    }

    /// A customer was told that an update has begun.
    func begin(_ update: Update, of name: ClusterName) {
        if let other = entries[name]?.updates.last, other.ended == nil { accuse("two updates at a time", name) }
        self.update(name) {
            $0.spec = update.target
            $0.updates = $0.updates.suffix(1) + [update]
        }
    }

    /// A customer was told that the update goes back.
    func cancel(_ name: ClusterName) {
        update(name) { entry in
            if let last = entry.updates.indices.last { entry.updates[last].isCancelled = true }
        }
    }

    /// The record of an update says that it has ended: is that so, and should it have?
    /// - Parameter spec: the cluster's, of the same moment.
    func end(_ record: ClusterUpdate, _ spec: ClusterSpec) {
        let name = record.cluster
        guard let entry = entries[name], !entry.isDeleting, let update = entry.updates.last, update.intent.id == record.id,
            update.ended == nil
        else { return }
        trace.add("\(name): the update has ended: \(record.status.rawValue) \(record.errors.first?.errorMessage ?? "")", by: "world")
        countEnd(record.status)
        if spec.update != nil { accuse("an update that has ended is under way still", name) }
        judge(record, update, entry)
        judge(spec.controlPlane, record, update, name)
        for instance in substrate.trueState(of: name).substrate.instances where instance.state == .running {
            guard instance.release != spec.controlPlane.release(of: instance.role) else { continue }
            accuse("the update has ended, and \(instance.id.name) runs \(instance.release)", name)
        }
        self.update(name) {
            $0.spec = spec.controlPlane
            $0.updates[$0.updates.count - 1].ended = trace.now
        }
    }

    /// The end is one that this update may have.
    private func judge(_ record: ClusterUpdate, _ update: Update, _ entry: Entry) {
        let name = record.cluster
        switch record.status {
        case .inProgress: break
        case .successful:
            if !update.isGood { accuse("a bad release stays: \(update.target.release)", name) }
        case .cancelled:
            if !update.isCancelled { accuse("an update was cancelled that nobody cancelled", name) }
        case .failed:
            let reason = record.errors.first?.errorMessage ?? ""
            if reason.isEmpty { accuse("an update has failed, and nobody says why", name) }
            let blamed = update.intent.troubled.sorted().first { reason.contains("\($0) ") }
            // Programs that are not what they should be are nobody else's doing.
            if let blamed, !reason.hasPrefix("not finished"), !reason.contains("SHA-256") {
                accuse("an update has failed for \(blamed), which was not well before it: \(reason)", name)
            }
            // Long before it, and while it was under way.
            let isCalm = entry.lastFault == .zero || entry.lastFault + .seconds(20) < update.begun
            let hasFineCalls = fineCallsSince.map { $0 + .seconds(20) < update.begun || $0 == .zero } ?? false
            if update.isGood, isCalm, hasFineCalls {
                accuse("an update to a good release has failed, and nothing was wrong: \(reason)", name)
            }
        }
    }

    /// The cluster is to be what the update's end says.
    private func judge(_ spec: ControlPlaneSpec, _ record: ClusterUpdate, _ update: Update, _ name: ClusterName) {
        var allowed = [update.target]
        if record.status != .successful {
            allowed = [update.intent.previous]
            if update.intent.changesEtcdStorage {
                var kept = update.intent.previous
                kept.etcdRelease = update.target.etcdRelease
                allowed.append(kept)
            }
        }
        if !allowed.contains(spec) {
            let wanted = "\(spec.release) with etcd of \(spec.etcdRelease)"
            accuse("the update is \(record.status.rawValue), and the cluster is to be \(wanted)", name)
        }
    }
}

extension Ledger.Entry {
    /// The update by which somebody plans who looked then. Who looked just when it began may have read the cluster before or after that.
    func updates(knownAt time: Duration) -> [UpdateIntent?] {
        let last = updates.last { $0.begun - .seconds(1) <= time && $0.ended.map { time <= $0 } ?? true }
        guard let last else { return [nil] }
        return last.begun + .seconds(1) <= time ? [last.intent] : [last.intent, nil]
    }
}
