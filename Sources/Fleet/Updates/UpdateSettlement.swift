import FleetModel
import FleetStore
import Foundation
import Planning
import Timing

/// Writes down what was decided about an update, and how it ended.
struct UpdateSettlement: Sendable {
    let store: any FleetStore
    let time: TimeSource

    /// The decision and the cluster's spec change in one transaction, so that a service that is killed at any point knows both or
    /// neither. A cluster that somebody wrote meanwhile is looked at again first.
    /// - Returns: whether anything was decided: then the next pass goes by it.
    func settle(_ stored: Stored<Cluster>, _ verdict: UpdateJudge.Verdict?) async throws -> Bool {
        guard let verdict, let update = stored.value.spec.update else { return false }
        do {
            switch verdict {
            case .ended: try await end(stored, update)
            case .goBack(let reason, let code):
                try await write(stored) {
                    $0.revert(UpdateIntent.Reversal(reason: reason, errorCode: code, decidedAt: time.now))
                }
            case .etcdMovesOn: try await write(stored) { $0.update?.hasMovedEtcd = true }
            }
        } catch let error as StoreError where error.code == .conflict {
            try Task.checkCancellation()
        }
        return true
    }

    private func write(_ stored: Stored<Cluster>, _ change: (inout ClusterSpec) -> Void) async throws {
        var new = stored.value
        change(&new.spec)
        new.metadata.generation += 1
        try await store.replace(stored, with: new)
    }

    private func end(_ stored: Stored<Cluster>, _ update: UpdateIntent) async throws {
        var new = stored.value
        new.spec.update = nil
        new.metadata.generation += 1
        // Nothing of what runs is to change by it.
        new.status.observedGeneration = new.metadata.generation
        if new.metadata.deletionRequestedAt == nil { new.status.phase = new.spec.isUpdating ? .updating : .active }
        let key = StoreKey(rawValue: "\(StoreKeys.updates(of: new.name, in: new.cell))\(update.id)")
        guard let record = try await store.get(ClusterUpdate.self, key) else {
            try await store.replace(stored, with: new)
            return
        }
        var ended = record.value
        ended.finishedAt = time.now
        switch update.reversal {
        case nil: ended.status = .successful
        case .some(let reversal):
            ended.status = reversal.isCancelled ? .cancelled : .failed
            ended.errors = [ClusterUpdate.Failure(errorCode: reversal.errorCode, errorMessage: reversal.reason)]
        }
        try await store.commit(
            [try .put(new), try .put(ended)],
            if: [
                .unchanged(new.storeKey, modRevision: stored.modRevision), .unchanged(key, modRevision: record.modRevision),
            ])
    }
}
