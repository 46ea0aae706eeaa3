import FleetModel
import Foundation
import Planning
import Substrate
import Timing

/// Carries out what a plan says. It has no opinions; each action is bounded in time.
struct ClusterExecutor: Sendable {
    let substrate: any Substrate
    let rendering: any InstanceRendering
    let operations: any ControlPlaneOperations
    /// Nil where nothing is ever restored (simulation).
    var restores: (any ClusterRestoring)?
    let trials: InstanceTrials
    let time: TimeSource
    /// An action that takes longer has failed.
    let actionTimeout: Duration

    /// All actions of one plan at the same time.
    /// - Returns: what was done, in the plan's order; nil for what takes longer than a plan may, and is to be asked for again.
    /// - Throws: `CancellationError` only.
    func execute(_ actions: [Action], of cluster: Cluster) async throws -> [StepRecord?] {
        let records = try await withThrowingTaskGroup(of: (Int, StepRecord?).self) { group in
            for (index, action) in actions.enumerated() {
                group.addTask {
                    var record = StepRecord(title: action.title, startedAt: time.now)
                    do {
                        try await within(action.timeLimit.map { .seconds($0) } ?? actionTimeout, time) {
                            try await carryOut(action, of: cluster)
                        }
                    } catch is Unfinished {
                        return (index, nil)
                    } catch is CancellationError {
                        throw CancellationError()
                    } catch {
                        record.error = "\(error)"
                    }
                    record.finishedAt = time.now
                    return (index, record)
                }
            }
            var records: [(Int, StepRecord?)] = []
            for try await record in group { records.append(record) }
            return records
        }
        return records.sorted { $0.0 < $1.0 }.map(\.1)
    }

    /// Nothing went wrong, and it is not done.
    private struct Unfinished: Error {}

    private func carryOut(_ action: Action, of cluster: Cluster) async throws {
        switch action {
        case .ensureNetwork(let spec): try await substrate.ensureNetwork(spec)
        case .ensureVolume(let spec): try await substrate.ensureVolume(spec)
        case .startInstance(let intent), .replaceInstance(let intent):
            try await noting(intent.id, intent, of: cluster) {
                try await substrate.ensureInstance(try await rendering.instance(intent, of: cluster))
            }
        case .ensureStandby(let intent):
            try await noting(intent.id.standby, intent, of: cluster) {
                try await substrate.ensureStandby(try await rendering.instance(intent, of: cluster))
            }
        case .promoteStandby(let intent): try await substrate.promoteStandby(try await rendering.instance(intent, of: cluster))
        case .finishHandover(let id):
            // Who takes the lead over does not wait for the end of the server of before.
            try await ending(id, of: cluster) { try await substrate.exchangeControllers(of: id) }
            try await substrate.finishHandover(of: id)
        case .stopControllers(let id): try await endingAll(id, of: cluster) { try await substrate.stopControllers(of: id) }
        case .startControllers(let id): try await substrate.startControllers(of: id)
        case .removeStandby(let id): try await substrate.removeStandby(of: id)
        case .checkInstance(let id, let address, let baseline): try await check(id, address, baseline, of: cluster)
        case .moveLeader(let from, let to): try await operations.moveLeader(of: cluster, from: from, to: to)
        case .remakeMember(let intent):
            try await substrate.removeInstance(intent.id)
            if let volume = intent.volume {
                try await substrate.removeVolume(volume)
                try await substrate.ensureVolume(VolumeSpec(id: volume, zone: intent.zone))
            }
            try await substrate.ensureInstance(try await rendering.instance(intent, of: cluster))
        // What ends it is that it is written down.
        case .finishRecovery: break
        case .removeInstance(let id): try await endingAll(id, of: cluster) { try await substrate.removeInstance(id) }
        case .retireInstance(let id): try await endingAll(id, of: cluster) { try await substrate.removeInstance(id, gracefully: true) }
        case .removeMember(let id): try await operations.removeMember(id, of: cluster)
        case .addMember(let id, let address): try await operations.addMember(id, address, of: cluster)
        case .promoteMember(let id, let address): try await operations.promoteMember(id, address, of: cluster)
        case .ensureFence(let name, let addresses): try await substrate.ensureFence(addresses, of: name)
        case .resetClients(let name, let addresses): try await substrate.resetClients(of: addresses, in: name)
        case .ensureLoadBalancer(let intent):
            try await substrate.ensureLoadBalancer(try await rendering.loadBalancer(intent, of: cluster))
        case .bootstrapKubernetes: guard try await operations.bootstrap(cluster) else { throw Unfinished() }
        case .removeLoadBalancer(let name): try await substrate.removeLoadBalancer(of: name)
        case .removeVolume(let id): try await substrate.removeVolume(id)
        case .removeNetwork(let name): try await substrate.removeNetwork(of: name)
        case .prepareRestore(let restore): try await restoring.prepare(restore, of: cluster)
        case .restoreMember(let member, let restore): try await restoring.restore(member, from: restore, of: cluster)
        case .finishRestore(let restore), .abandonRestore(let restore, _): try await restoring.cleanUp(restore, of: cluster)
        }
    }

    /// Remembers whether an instance could be made.
    private func noting(_ id: InstanceID, _ intent: InstanceIntent, of cluster: Cluster, _ body: () async throws -> Void) async throws {
        do {
            try await body()
            trials.noteStart(of: id, failure: nil)
        } catch let error as CancellationError {
            throw error
        } catch let error as SubstrateError where error.code == .unavailable {
            // Nobody answers there: that says nothing of what was to be started.
            throw error
        } catch {
            let isNew = cluster.spec.update.map { $0.previous.release(of: intent.role) != intent.release } ?? false
            let isOfRelease = isNew && (error as? SubstrateError)?.code == .invalidArtifact
            trials.noteStart(of: id, failure: "\(error)", isOfRelease: isOfRelease)
            throw error
        }
    }

    private func endingAll(_ id: InstanceID, of cluster: Cluster, _ end: @escaping @Sendable () async throws -> Void) async throws {
        try await ending(id, of: cluster) {
            try await end()
            return ComponentKind.controllers
        }
    }

    /// - Parameter end: says which controllers have ended by it.
    private func ending(
        _ id: InstanceID, of cluster: Cluster, _ end: @escaping @Sendable () async throws -> [ComponentKind]
    ) async throws {
        let isServer = cluster.status.instances.contains { $0.name == id.name && $0.role == .apiServer }
        guard isServer, cluster.metadata.deletionRequestedAt == nil else {
            _ = try await end()
            return
        }
        try await operations.handingLeadsOver(of: id, in: cluster, end)
    }

    /// What fails on one of before, too, is not this one's fault.
    private func check(_ id: InstanceID, _ address: ServerAddress, _ baseline: ServerAddress?, of cluster: Cluster) async throws {
        if let baseline { await operations.keepWatch(baseline, of: cluster) }
        let outcome = try await operations.check(address, of: cluster)
        let other: CheckOutcome? =
            if let baseline, !outcome.isFine { try await operations.check(baseline, of: cluster) } else { nil }
        trials.note(outcome.result(baseline: other), of: id)
    }

    private var restoring: any ClusterRestoring {
        get throws {
            guard let restores else { throw FleetError(.invariant, "This region restores nothing.") }
            return restores
        }
    }
}
