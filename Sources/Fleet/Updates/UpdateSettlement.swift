import FleetModel
import FleetStore
import Foundation
import Planning
import Timing

/// Writes down what was decided about an update, and how it ended.
struct UpdateSettlement: Sendable {
    let store: any FleetStore
    /// Nil where clusters have no credentials (simulation).
    var credentials: (any CredentialRotating)?
    let policy: UpdatePolicy
    let time: TimeSource

    /// The decision and the cluster's spec change in one transaction, so that a service that is killed at any point knows both or
    /// neither. A cluster that somebody wrote meanwhile is looked at again first.
    /// - Returns: whether anything was decided: then the next pass goes by it.
    func settle(_ stored: Stored<Cluster>, _ verdict: UpdateJudge.Verdict?) async throws -> Bool {
        guard let verdict else { return false }
        do {
            switch verdict {
            case .takeBack(let reason): try await takeBack(stored, reason)
            case .ended:
                guard let update = stored.value.spec.update else { return false }
                if let rotation = stored.value.spec.rotation, rotation.updateID == update.id, update.reversal == nil {
                    try await advance(stored, update, rotation)
                } else if stored.value.spec.isStartingEncryption {
                    try await beginSealing(stored)
                } else {
                    try await end(stored, update)
                }
            case .goBack(let reason, let code):
                try await write(stored) {
                    $0.revert(UpdateIntent.Reversal(reason: reason, errorCode: code, decidedAt: time.now))
                }
            case .etcdMovesOn: try await write(stored) { $0.noteMovedEtcd() }
            }
        } catch let error as StoreError where error.code == .conflict {
            try Task.checkCancellation()
        }
        return true
    }

    /// The record says `InProgress` again, and why it failed when all is back.
    private func takeBack(_ stored: Stored<Cluster>, _ reason: String) async throws {
        guard stored.value.spec.update == nil, let past = stored.value.spec.proving?.update else { return }
        var new = stored.value
        new.spec.takeBack(UpdateIntent.Reversal(reason: reason, errorCode: "Unknown", decidedAt: time.now))
        new.spec.update?.troubled = stored.value.troubledInstances
        new.metadata.generation += 1
        if new.status.phase == .active { new.status.phase = .updating }
        var operations = [try StoreOperation.put(new)]
        var conditions = [StoreCondition.unchanged(new.storeKey, modRevision: stored.modRevision)]
        if let record = try await record(of: past, new) {
            var again = record.value
            (again.status, again.finishedAt) = (.inProgress, nil)
            operations.append(try .put(again))
            conditions.append(.unchanged(again.storeKey, modRevision: record.modRevision))
        }
        try await store.commit(operations, if: conditions)
    }

    private func record(of update: UpdateIntent, _ cluster: Cluster) async throws -> Stored<ClusterUpdate>? {
        try await store.get(ClusterUpdate.self, StoreKeys.update(update.id, of: cluster.name, in: cluster.cell))
    }

    private func write(_ stored: Stored<Cluster>, _ change: (inout ClusterSpec) -> Void) async throws {
        var new = stored.value
        change(&new.spec)
        new.metadata.generation += 1
        try await store.replace(stored, with: new)
    }

    /// A rotation is one update of several phases: each begins when everything of the one before it runs.
    private func advance(_ stored: Stored<Cluster>, _ update: UpdateIntent, _ rotation: RotationIntent) async throws {
        let planner = RotationPlanner()
        var new = stored.value
        var change: CredentialChange?
        switch planner.step(rotation) {
        case .end:
            new.spec.rotation?.updateID = nil
            return try await end(stored, update, as: new)
        case .settle:
            change = try await credentials?.retire(of: stored.value, rotation)
            new.spec.rotation = planner.settled(rotation)
            return try await end(stored, update, as: new, and: change)
        case .makeNext:
            change = try await credentials?.makeNext(of: stored.value, rotation)
            planner.enter(.trusted, next: change?.generation ?? rotation.present + 1, &new.spec)
        case .enter(let phase): planner.enter(phase, &new.spec)
        }
        let phase = new.spec.rotation?.phase ?? .settled
        new.status.note("rotation: \(phase.summary)", at: time.now)
        new.metadata.generation += 1
        try await store.commit(
            [try .put(new)] + [change?.operation].compactMap(\.self),
            if: [.unchanged(new.storeKey, modRevision: stored.modRevision)] + [change?.condition].compactMap(\.self))
    }

    /// All API servers can read what the key seals: from here there is no way back, and the record of the update ends with the encryption.
    private func beginSealing(_ stored: Stored<Cluster>) async throws {
        var new = stored.value
        new.spec.update = nil
        new.spec.encryption?.enter(.writable, at: time.now)
        new.spec.controlPlane.renewAPIServers()
        new.status.note("encryption: \(EncryptionPhase.writable.summary)", at: time.now)
        new.metadata.generation += 1
        try await store.replace(stored, with: new)
    }

    /// - Parameters:
    ///   - changed: what becomes of the cluster besides; nil: nothing.
    ///   - change: of its credentials.
    private func end(
        _ stored: Stored<Cluster>, _ update: UpdateIntent, as changed: Cluster? = nil, and change: CredentialChange? = nil
    ) async throws {
        var new = changed ?? stored.value
        new.spec.update = nil
        if update.reversal == nil, update.changesRelease(to: new.spec.controlPlane) {
            new.spec.proving = ProvingIntent(update: update, until: time.now.addingTimeInterval(policy.proving))
        }
        new.metadata.generation += 1
        // Nothing of what runs is to change by it.
        new.status.observedGeneration = new.metadata.generation
        if new.metadata.deletionRequestedAt == nil { new.status.phase = new.spec.isUpdating ? .updating : .active }
        var operations = [try StoreOperation.put(new)] + [change?.operation].compactMap(\.self)
        var conditions =
            [StoreCondition.unchanged(new.storeKey, modRevision: stored.modRevision)] + [change?.condition].compactMap(\.self)
        if let record = try await record(of: update, new) {
            operations.append(try .put(ended(record.value, update)))
            conditions.append(.unchanged(record.value.storeKey, modRevision: record.modRevision))
        }
        try await store.commit(operations, if: conditions)
    }

    private func ended(_ record: ClusterUpdate, _ update: UpdateIntent) -> ClusterUpdate {
        var ended = record
        ended.finishedAt = time.now
        switch update.reversal {
        case nil: ended.status = .successful
        case .some(let reversal):
            ended.status = reversal.isCancelled ? .cancelled : .failed
            ended.errors = [ClusterUpdate.Failure(errorCode: reversal.errorCode, errorMessage: reversal.reason)]
        }
        return ended
    }
}
