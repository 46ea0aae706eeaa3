import FleetModel
import FleetStore
import Foundation
import Identity
import Timing

/// The region's backups, as callers may see and change them. Every operation takes the caller and checks its right: who may
/// change a cluster may back it up and restore it, and backups belong to who owned their cluster.
///
/// What is wanted is written to the store; the fleet's controllers do it. All operations throw `ClusterServiceError`,
/// `AccessDenied`, `FleetModelError` and `StoreError`.
public struct ClusterBackups: Sendable {
    let clusters: Clusters
    let store: any FleetStore
    let defaultPolicy: BackupPolicy
    let sealing: any SecretSealing
    /// Why this region takes no backups; nil when it does.
    let refusal: String?
    /// etcd's revision of a cluster just now; nil when it does not answer.
    let revision: @Sendable (Cluster) async -> Int64?
    /// Letters and digits that tell apart what is asked for in the same second.
    let suffix: @Sendable () -> String
    let time: TimeSource

    public init(
        clusters: Clusters, store: any FleetStore, defaultPolicy: BackupPolicy, sealing: any SecretSealing, refusal: String? = nil,
        revision: @escaping @Sendable (Cluster) async -> Int64?, suffix: @escaping @Sendable () -> String, time: TimeSource
    ) {
        self.clusters = clusters
        self.store = store
        self.defaultPolicy = defaultPolicy
        self.sealing = sealing
        self.refusal = refusal
        self.revision = revision
        self.suffix = suffix
        self.time = time
    }

    // MARK: Reading

    /// Newest first. Owners see their own.
    /// - Parameter cluster: nil: of all, those that are gone too.
    public func list(of cluster: String? = nil, as caller: Principal) async throws -> [Backup] {
        try clusters.check(caller, .list, "slipway:ListBackups", clusters.region.clusterARN(cluster ?? "*"))
        var found: [Backup] = []
        let name = try cluster.map { try ClusterName($0) }
        for cell in clusters.cells {
            let prefix = name.map { StoreKeys.backups(of: $0, in: cell) } ?? StoreKeys.backups(in: cell)
            found += try await store.list(Backup.self, prefix: prefix).items.map { $0.value }
        }
        if let name, found.isEmpty, try await clusters.find(name.rawValue) == nil { throw clusters.notFound(name.rawValue) }
        return found.filter { caller.role != .owner || $0.ownerARN == caller.arn }
            .sorted { ($1.requestedAt, $1.id) < ($0.requestedAt, $0.id) }
    }

    public func describe(_ id: String, as caller: Principal) async throws -> Backup {
        try await authorized(id, .read, "slipway:DescribeBackup", caller).value
    }

    // MARK: Changing

    /// Asks for a backup now.
    public func create(of name: String, as caller: Principal) async throws -> Backup {
        let stored = try await clusters.authorized(name, .change, "slipway:CreateBackup", caller)
        let cluster = stored.value
        if let refusal { throw ClusterServiceError(.invalidRequest, refusal, cluster: name) }
        guard cluster.metadata.deletionRequestedAt == nil else {
            throw ClusterServiceError(.inUse, "Cluster \(name) is being deleted.", cluster: name)
        }
        guard cluster.status.activeSince != nil else {
            throw ClusterServiceError(
                .invalidRequest, "Cluster \(name) has never been active: there is nothing to back up yet.", cluster: name)
        }
        let policy = try await policy()
        var backup = Backup(
            id: BackupID(cluster: cluster.name, at: time.now, suffix: suffix()), cell: cluster.cell, clusterUID: cluster.metadata.uid,
            ownerARN: cluster.spec.settings.creatorARN, requestedAt: time.now, requestedBy: caller.arn, location: policy.location)
        backup.spec = cluster.spec
        try await store.create(backup)
        return backup
    }

    /// Asks for a real restore into an etcd of its own. Asking while one is under way is harmless.
    public func verify(_ id: String, as caller: Principal) async throws -> Backup {
        let stored = try await authorized(id, .change, "slipway:VerifyBackup", caller)
        return try await change(stored) { backup in
            guard backup.phase == .complete else { throw Self.incomplete(backup) }
            guard backup.verification?.isOpen != true else { return }
            backup.verification = BackupVerification(verdict: .wanted, requestedAt: time.now, message: "waiting for its turn")
        }
    }

    /// Asks for its removal, from the store too.
    public func delete(_ id: String, as caller: Principal) async throws -> Backup {
        let stored = try await authorized(id, .change, "slipway:DeleteBackup", caller)
        for cell in clusters.cells {
            let all = try await store.list(Cluster.self, prefix: StoreKeys.clusters(in: cell)).items
            if let user = all.first(where: { $0.value.spec.restore?.source == .backup(stored.value.id, in: stored.value.cell) }) {
                throw ClusterServiceError(.inUse, "Cluster \(user.value.name) is being restored from backup \(id); wait until it is done.")
            }
        }
        return try await change(stored) { backup in
            if backup.deletionRequestedAt == nil { backup.deletionRequestedAt = time.now }
        }
    }

    // MARK: Policy

    public func policy(as caller: Principal) async throws -> BackupPolicy {
        try clusters.check(caller, .list, "slipway:DescribeBackupPolicy", "*")
        return try await policy()
    }

    /// Changes the region's policy.
    /// - Parameter secret: the new location's secret access key, when it has a new one.
    public func setPolicy(
        as caller: Principal, secret: String? = nil, _ change: (inout BackupPolicy) throws -> Void
    ) async throws -> BackupPolicy {
        try clusters.check(caller, .operate, "slipway:SetBackupPolicy", "*")
        while true {
            let stored = try await store.get(BackupPolicy.self, StoreKeys.backupPolicy)
            var policy = stored?.value ?? defaultPolicy
            try change(&policy)
            if case .s3(var place) = policy.location, let secret {
                place.sealedSecret = Data(try sealing.seal(Array(secret.utf8), context: place.secretContext))
                policy.location = .s3(place)
            }
            try policy.check()
            do {
                if let stored { try await store.replace(stored, with: policy) } else { try await store.create(policy) }
                return policy
            } catch let error as StoreError where error.code == .conflict {
                try Task.checkCancellation()
            }
        }
    }

    func policy() async throws -> BackupPolicy {
        try await store.get(BackupPolicy.self, StoreKeys.backupPolicy)?.value ?? defaultPolicy
    }

    // MARK: Rights

    func authorized(_ text: String, _ kind: ActionRequest.Kind, _ action: String, _ caller: Principal) async throws -> Stored<Backup> {
        let id = try BackupID(text)
        let resource = clusters.region.clusterARN(id.cluster.rawValue)
        for cell in clusters.cells {
            guard let stored = try await store.get(Backup.self, StoreKeys.backup(id, in: cell)) else { continue }
            try clusters.check(caller, kind, action, resource, owner: stored.value.ownerARN)
            return stored
        }
        if caller.role == .viewer { try clusters.check(caller, kind, action, resource) }
        throw ClusterServiceError(.notFound, "There is no backup \(id); `slipway backup list` shows them.")
    }

    private func change(_ stored: Stored<Backup>, _ change: (inout Backup) throws -> Void) async throws -> Backup {
        let new = try await store.update(stored) { current in
            var new = current
            try change(&new)
            return new == current ? nil : new
        }
        guard let new else { throw ClusterServiceError(.notFound, "There is no backup \(stored.value.id) any more.") }
        return new.value
    }

    static func incomplete(_ backup: Backup) -> ClusterServiceError {
        let reason = backup.error.map { ": \($0)" } ?? ""
        return ClusterServiceError(.invalidRequest, "Backup \(backup.id) is \(backup.phase.rawValue)\(reason); it is not complete.")
    }
}
