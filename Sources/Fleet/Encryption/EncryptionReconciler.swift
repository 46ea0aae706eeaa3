import Controller
import FleetModel
import FleetStore
import Foundation
import Kubernetes
import Logging
import Planning
import Timing

/// Brings the encryption of one cluster's secrets from phase to phase.
///
/// Each phase is written before it is acted upon, together with the revision that makes API servers take it up: killed anywhere, the
/// next look goes on from what is written and what is seen.
struct EncryptionReconciler: Reconciler {
    let kind = "encryption"
    let cell: CellName
    let store: any FleetStore
    let keys: any KeyService
    let storage: any SecretStorage
    let time: TimeSource
    let logger: Logger

    /// Secrets that are written anew between two looks.
    private static let batch = 500
    private static let interval = Duration.seconds(1)

    func reconcile(_ name: ClusterName) async throws -> Outcome {
        guard let stored = try await store.get(Cluster.self, StoreKeys.cluster(name, in: cell)),
            stored.value.metadata.deletionRequestedAt == nil, let intent = stored.value.spec.encryption
        else { return .absent }
        let cluster = stored.value
        guard cluster.status.activeSince != nil else { return .waiting("the cluster is not active yet", recheck: .seconds(2)) }
        guard cluster.spec.restore == nil else { return .waiting("the cluster is being restored", recheck: .seconds(2)) }
        // Its first phase is an update as any (`ClusterSpec.isStartingEncryption`).
        guard cluster.spec.update == nil else { return .waiting(intent.phase.summary, recheck: Self.interval) }
        let seen = try await observe(cluster, intent)
        let step = EncryptionPlanner().step(intent, seen)
        switch step {
        case .nothing: return .settled
        case .wait(let wait):
            return .waiting(wait.message, recheck: Self.interval)
        case .rewrite:
            let count: Int
            do {
                count = try await storage.rewrite(cluster, to: intent.target.storedPrefix(of: intent.keyID), limit: Self.batch)
            } catch let error as FleetError {
                try await say(error.message, of: stored)
                throw error
            }
            logger.info("secrets written anew", metadata: ["cluster": "\(name)", "count": "\(count)"])
            return .waiting("secrets are written anew", recheck: .milliseconds(1))
        case .compact(let revision):
            try await storage.compact(cluster, to: revision)
            return .waiting("etcd forgets what was before", recheck: .milliseconds(1))
        case .enter(let phase, let changesServers):
            try await enter(phase, changesServers: changesServers, cluster, intent)
            return .waiting(phase.summary, recheck: .milliseconds(1))
        case .rotate(let version):
            try await rotate(to: version, cluster, intent)
            return .waiting("version \(version) of the key is taken up", recheck: .milliseconds(1))
        }
    }

    /// What keeps secrets from being encrypted.
    private func say(_ message: String, of stored: Stored<Cluster>) async throws {
        let now = time.now
        _ = try await store.update(stored) { current in
            let old = current.status.conditions.first { $0.kind == .secretsEncrypted }
            guard current.metadata.uid == stored.value.metadata.uid, old?.message != message else { return nil }
            var new = current
            new.status.conditions.removeAll { $0.kind == .secretsEncrypted }
            new.status.conditions.append(
                Condition(kind: .secretsEncrypted, status: .no, reason: "SecretsRefused", message: message, since: old?.since ?? now))
            return new
        }
    }

    private func observe(_ cluster: Cluster, _ intent: EncryptionIntent) async throws -> EncryptionObservation {
        let progressing = cluster.status.conditions.first { $0.kind == .progressing }
        let isOfThisSpec = cluster.status.observedGeneration == cluster.metadata.generation
        let areThrough = progressing?.status == .no || cluster.status.areAPIServersThrough == true
        var seen = EncryptionObservation(areServersCurrent: isOfThisSpec && areThrough)
        seen.phaseSeconds = intent.phaseSince.map { time.now.timeIntervalSince($0) }
        if !seen.areServersCurrent { seen.whyNot = isOfThisSpec ? progressing?.message : nil }
        switch intent.phase {
        case .rewriting, .compacting:
            var history: Int64?
            if case .compacting(let revision) = intent.phase { history = revision }
            seen.secrets = try await storage.census(
                of: cluster, sealedWith: intent.target.storedPrefix(of: intent.keyID), history: history)
        case .settled:
            seen.newestKeyVersion = try await keys.key(intent.keyARN)?.version
            let hasUpdate = try await hasUpdate(cluster)
            seen.isBusy = cluster.spec.update != nil || hasUpdate
        case .defragmenting:
            let last = cluster.status.etcd?.defragmentedAt ?? [:]
            for zone in cluster.spec.controlPlane.memberZones {
                let name = ControlPlaneRenderer.etcdMemberName(in: zone)
                seen.defragmentedAt.updateValue(last[name], forKey: name)
            }
        case .readable, .writable, .retiring: break
        }
        return seen
    }

    private func hasUpdate(_ cluster: Cluster) async throws -> Bool {
        try await store.list(ClusterUpdate.self, prefix: StoreKeys.updates(of: cluster.name, in: cell)).items
            .contains { $0.value.status == .inProgress }
    }

    private func enter(_ phase: EncryptionPhase, changesServers: Bool, _ looked: Cluster, _ intent: EncryptionIntent) async throws {
        var next = intent
        next.enter(phase, at: time.now)
        if phase == .defragmenting { next.plain = .files(before: time.now) }
        var operations: [StoreOperation] = []
        if phase == .settled {
            next.older = []
            next.updateID = nil
            if let id = intent.updateID { operations = try await finished(id, of: looked) }
        }
        try await write(looked, next, changesServers: changesServers, phase.summary, and: operations)
    }

    private func finished(_ id: String, of cluster: Cluster) async throws -> [StoreOperation] {
        let key = StoreKeys.update(id, of: cluster.name, in: cell)
        guard var update = try await store.get(ClusterUpdate.self, key)?.value, update.status == .inProgress else { return [] }
        update.status = .successful
        update.finishedAt = time.now
        return [try .put(update)]
    }

    private func rotate(to version: Int, _ looked: Cluster, _ intent: EncryptionIntent) async throws {
        let update = ClusterUpdate.encryption(
            UUID().uuidString.lowercased(), of: looked, keyARN: intent.keyARN, type: "ConfigUpdate", now: time.now)
        let next = EncryptionPlanner().rotated(
            intent, to: .newest(keyVersion: version, for: looked.spec.controlPlane.version), updateID: update.id)
        try await write(
            looked, next, changesServers: true, "version \(version) of the key is taken up", and: [try .put(update)])
    }

    /// Only while the spec is the very one that was looked at: a change by anybody else means another look. The status, which others
    /// write all the time, may have moved on.
    private func write(
        _ looked: Cluster, _ next: EncryptionIntent, changesServers: Bool, _ what: String, and operations: [StoreOperation]
    ) async throws {
        let now = time.now
        while let stored = try await store.get(Cluster.self, looked.storeKey), stored.value.metadata == looked.metadata,
            stored.value.spec == looked.spec
        {
            var cluster = stored.value
            cluster.spec.encryption = next
            // What is sealed from now on may be more than the release of before can read.
            cluster.spec.proving = nil
            cluster.status.conditions.removeAll { $0.kind == .secretsEncrypted }
            if changesServers { cluster.spec.controlPlane.renewAPIServers() }
            cluster.metadata.generation += 1
            if cluster.status.phase == .active || cluster.status.phase == .updating {
                cluster.status.phase = cluster.spec.isUpdating ? .updating : .active
            }
            cluster.status.note("encryption: \(what)", at: now)
            do {
                try await store.replace(stored, with: cluster, and: operations)
                return logger.info("encryption", metadata: ["cluster": "\(looked.name)", "phase": "\(next.phase.name)"])
            } catch let error as StoreError where error.code == .conflict {
                try Task.checkCancellation()
            }
        }
    }
}
