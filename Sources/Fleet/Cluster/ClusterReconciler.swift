import Controller
import FleetModel
import FleetStore
import Foundation
import Logging
import Planning
import Substrate
import Timing

/// Decides; `ControlPlanePlanner` but for tests that break it on purpose.
public typealias PlanFunction = @Sendable (ControlPlaneIntent, ControlPlaneObservation) -> Plan

/// Observe, plan, execute, write status: one step of one cluster's control plane.
struct ClusterReconciler: Reconciler {
    let kind = "cluster"
    let cell: CellName
    let store: any FleetStore
    let observer: ClusterObserver
    let executor: ClusterExecutor
    let plan: PlanFunction
    let judge: UpdateJudge
    /// The executor's own check before it acts.
    let checksInvariants: Bool
    let addressPool: IPv4Block
    let gate: BootGate
    let known = KnownClusters()
    /// What rotations do to credentials; nil where clusters have none (simulation).
    var credentials: (any CredentialRotating)?
    /// Has a cluster looked at now.
    let wake: @Sendable (ClusterName) -> Void
    let time: TimeSource
    let logger: Logger

    func reconcile(_ name: ClusterName) async throws -> Outcome {
        guard let stored = try await known.read(name, in: cell, store) else {
            observer.forget(name)
            leaveGate(name)
            return .absent
        }
        let cluster = stored.value
        let authority = try await executor.rendering.certificateAuthority(of: cluster)
        let intent = ControlPlaneIntent(cluster)
        let observation = try await observer.observe(cluster)
        var plan = plan(intent, observation)
        refuseViolations(&plan, intent, observation)
        let mayStart = admit(cluster, &plan)

        if plan.outlook == .gone {
            try await forget(stored)
            return .absent
        }
        let verdict = judge.verdict(intent, observation, plan)
        if verdict != nil { plan.actions = [] }
        let started = time.now
        let running = plan.actions.map { StepRecord(title: $0.title, startedAt: started, instance: $0.disturbs?.name) }
        let written = try await write(stored, intent, observation, plan, authority, steps: running)
        known.note(written)
        if let written, written.value.metadata == cluster.metadata, try await settlement.settle(written, verdict) {
            executor.trials.beginAnew(name)
            return .waiting("the update was decided about", recheck: .milliseconds(1))
        }
        guard !plan.actions.isEmpty else {
            if plan.outlook == .healthy, cluster.spec.update == nil {
                known.forget(name)
                return .settled
            }
            if !mayStart { return .waiting("other clusters start first", recheck: .seconds(1)) }
            return .waiting(plan.waits.first?.message ?? "the cluster is not whole yet", recheck: recheck(cluster))
        }

        let outcomes = try await executor.execute(plan.actions, of: cluster)
        // Without those that are to be asked for again.
        let records = outcomes.compactMap(\.self)
        for record in records {
            var metadata: Logger.Metadata = [
                "cluster": "\(name)", "action": "\(record.title)",
                "seconds": "\((record.finishedAt ?? started).timeIntervalSince(record.startedAt))",
            ]
            metadata["error"] = record.error.map { "\($0)" }
            logger.log(level: record.error == nil ? .info : .warning, record.error == nil ? "done" : "failed", metadata: metadata)
        }
        let done = zip(plan.actions, outcomes).compactMap { action, record in record.map { $0.error == nil } == true ? action : nil }
        if let written { try await finish(written, cluster, records, done) }
        if let failed = records.first(where: { $0.error != nil }) {
            let error = FleetError(.kubernetes, "\(failed.title): \(failed.error ?? "")")
            throw cluster.spec.isUpdating ? UrgentError(error, longestDelay: Self.longestPause) : error
        }
        return .waiting(plan.actions.map(\.title).joined(separator: ", "), recheck: .milliseconds(1))
    }

    /// While an update is under way time is counted in which somebody looks.
    private static let longestPause = ObservedDurations.gap - .seconds(1)

    /// A cluster's first start waits until few enough others are starting.
    /// - Returns: false when it has to wait.
    private func admit(_ cluster: Cluster, _ plan: inout Plan) -> Bool {
        guard cluster.status.activeSince == nil, plan.outlook != .healthy, cluster.metadata.deletionRequestedAt == nil else {
            leaveGate(cluster.name)
            return true
        }
        let startsInstances = plan.actions.contains { if case .startInstance = $0 { true } else { false } }
        guard startsInstances, !gate.admits(cluster.name) else { return true }
        plan.actions.removeAll { action in
            switch action {
            case .startInstance, .ensureLoadBalancer: true
            default: false
            }
        }
        plan.waits.insert(
            Wait("StartsLater", "as many clusters are starting as this region starts at once; this one keeps its place"), at: 0)
        return false
    }

    private func leaveGate(_ cluster: ClusterName) {
        if let next = gate.leave(cluster) { wake(next) }
    }

    private var settlement: UpdateSettlement {
        UpdateSettlement(store: store, credentials: credentials, policy: judge.policy.update, time: time)
    }

    /// A plan that would break an invariant is not carried out; the mistake is said.
    private func refuseViolations(_ plan: inout Plan, _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) {
        guard checksInvariants else { return }
        let violations = Invariants().violations(of: plan.actions, intent, observation)
        guard !violations.isEmpty else { return }
        logger.critical(
            "plan refused",
            metadata: ["cluster": "\(intent.cluster)", "violations": "\(violations)", "actions": "\(plan.actions.map(\.title))"])
        plan.actions = []
        plan.waits += violations.map { Wait("InvariantViolation", "refused: \($0)") }
    }

    /// Fast while somebody waits for the cluster, slower afterwards.
    private func recheck(_ cluster: Cluster) -> Duration {
        if cluster.status.activeSince == nil || cluster.metadata.deletionRequestedAt != nil { return .milliseconds(100) }
        return cluster.spec.isUpdating ? .milliseconds(250) : .milliseconds(500)
    }

    /// - Returns: nil when the cluster is gone.
    private func write(
        _ stored: Stored<Cluster>, _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation, _ plan: Plan,
        _ authority: String, steps: [StepRecord]
    ) async throws -> Stored<Cluster>? {
        let now = time.now
        let cluster = stored.value
        return try await store.update(stored) { current in
            guard current.metadata.uid == cluster.metadata.uid else { return nil }
            var new = current
            // What was seen belongs to the spec that was read; a newer one gets its own pass.
            new.status = ClusterStatusPlanner().status(
                current.status, intent, observation, plan, generation: cluster.metadata.generation, now: now)
            // Nor is it active in between: whoever waits for its update would take it for over.
            if current.spec.isUpdating, new.status.phase == .active { new.status.phase = .updating }
            if current.metadata.deletionRequestedAt != nil { new.status.phase = .deleting }
            new.status.certificateAuthority = authority
            // Steps that were running when a manager died are running no more.
            new.status.steps = current.status.steps.map { step in
                guard step.finishedAt == nil else { return step }
                var ended = step
                ended.finishedAt = now
                ended.error = "interrupted; looked again"
                return ended
            }
            new.status.add(steps)
            return new.status == current.status ? nil : new
        }
    }

    private func finish(_ written: Stored<Cluster>, _ cluster: Cluster, _ records: [StepRecord], _ done: [Action]) async throws {
        let now = time.now
        let finished = try await store.update(written) { current in
            guard current.metadata.uid == cluster.metadata.uid else { return nil }
            var new = current
            new.status.steps.removeAll { $0.finishedAt == nil }
            new.status.add(records)
            for action in done {
                if case .bootstrapKubernetes = action { new.status.isBootstrapped = true }
                RestoreProgress.note(action, in: &new, now: now)
                RecoveryProgress.note(action, in: &new, now: now)
            }
            return new
        }
        known.note(finished)
    }

    /// Everything of a deleted cluster that the store has: what hangs on it first, in pieces, then the cluster and its name.
    private func forget(_ stored: Stored<Cluster>) async throws {
        let cluster = stored.value
        for prefix in [StoreKeys.accessEntries(of: cluster.name, in: cell), StoreKeys.updates(of: cluster.name, in: cell)] {
            let keys = try await store.list(prefix: prefix).values.map(\.key)
            for piece in stride(from: 0, to: keys.count, by: 64) {
                try await store.commit(keys[piece..<min(piece + 64, keys.count)].map { .delete($0) }, if: [])
            }
        }
        let block = cluster.spec.controlPlane.network.block
        let slot = Int(block.base.bits &- addressPool.base.bits) >> (32 - ClusterNetwork.prefixLength)
        do {
            try await store.remove(
                stored,
                and: [
                    .delete(StoreKeys.clusterIndex(cluster.name)), .delete(StoreKeys.credentials(of: cluster.name, in: cell)),
                    .delete(StoreKeys.networkSlot(slot)), .delete(StoreKeys.insights(of: cluster.name, in: cell)),
                ])
        } catch let error as StoreError where error.code == .conflict {
            // Somebody wrote it since; its change is seen, and the next pass looks again.
        }
        observer.forget(cluster.name)
        logger.info("cluster gone", metadata: ["cluster": "\(cluster.name)"])
    }
}
