import FleetModel
import FleetStore
import Foundation
import PKI
import Synchronization
import Timing

/// A cluster's keys and CAs as the store has them: sealed.
struct StoredCredentials: StoredResource {
    var cluster: ClusterName
    var cell: CellName
    /// Of the cluster: credentials of an older cluster of that name are never used.
    var uid: String
    var sealed: SealedBytes

    var storeKey: StoreKey { StoreKeys.credentials(of: cluster, in: cell) }
}

/// Makes a cluster's credentials once, keeps them sealed in the store, and has them at hand.
public final class CredentialStore: Sendable {
    private let store: any FleetStore
    private let box: SecretBox
    private let time: TimeSource
    /// As they are stored, with all generations.
    private let known = Mutex<[String: ClusterCredentials]>([:])

    public init(store: any FleetStore, box: SecretBox, time: TimeSource) {
        self.store = store
        self.box = box
        self.time = time
    }

    /// The cluster's credentials as its spec uses them; made when there are none.
    ///
    /// What is at hand is good for as long as it has the generations that the spec speaks of: a generation never changes.
    /// - Throws: `FleetError` (`credentials`); also when the cluster is another by now, and is to be looked at again.
    public func credentials(of cluster: Cluster) async throws -> ClusterCredentials {
        let uid = cluster.metadata.uid
        let use = cluster.spec.credentialUse
        if let credentials = known.withLock({ $0[uid] })?.used(as: use) { return credentials }
        while true {
            let existing = try await store.get(StoredCredentials.self, StoreKeys.credentials(of: cluster.name, in: cluster.cell))
            if let existing, existing.value.uid == uid {
                guard let credentials = remember(try open(existing.value), uid).used(as: use) else {
                    throw FleetError(.credentials, "The credentials of '\(cluster.name)' have been rotated meanwhile.")
                }
                return credentials
            }
            do {
                let made = remember(try await make(cluster, replacing: existing), uid)
                guard let credentials = made.used(as: use) else {
                    throw FleetError(
                        .credentials, "The credentials of '\(cluster.name)' are lost: there are none of generation \(use.issuing).")
                }
                return credentials
            } catch let error as StoreError where error.code == .conflict {
                // Somebody else made them first, or the cluster changed meanwhile: look again.
                try Task.checkCancellation()
            }
        }
    }

    /// Forgets what is at hand of a cluster that is gone.
    public func forget(uid: String) { known.withLock { $0[uid] = nil } }

    // MARK: Rotation

    /// One generation more, beside that of `present`.
    /// - Parameter parts: what is new in it.
    func renewal(of cluster: Cluster, from present: Int, _ parts: [RotationIntent.Part]) async throws -> CredentialChange {
        let (stored, held) = try await read(cluster)
        guard let new = try held.renewed(from: present, parts, cluster: cluster.name, now: time.now), let next = new.others.first else {
            throw FleetError(.credentials, "The credentials of '\(cluster.name)' have been rotated meanwhile.")
        }
        return try change(stored, to: new, generation: next.number)
    }

    /// Without all generations but one.
    func retirement(of cluster: Cluster, keeping number: Int) async throws -> CredentialChange {
        let (stored, held) = try await read(cluster)
        guard var new = held.used(as: CredentialUse(issuing: number)) else {
            throw FleetError(.credentials, "The credentials of '\(cluster.name)' have been rotated meanwhile.")
        }
        new.others = []
        return try change(stored, to: new, generation: number)
    }

    private func read(_ cluster: Cluster) async throws -> (Stored<StoredCredentials>, ClusterCredentials) {
        // A cluster that was never looked at has none yet.
        _ = try await credentials(of: cluster)
        let key = StoreKeys.credentials(of: cluster.name, in: cluster.cell)
        guard let stored = try await store.get(StoredCredentials.self, key), stored.value.uid == cluster.metadata.uid else {
            throw FleetError(.credentials, "The cluster '\(cluster.name)' is gone.")
        }
        return (stored, try open(stored.value))
    }

    private func change(_ stored: Stored<StoredCredentials>, to new: ClusterCredentials, generation: Int) throws -> CredentialChange {
        CredentialChange(
            generation: generation, operation: try .put(try seal(new, stored.value.cluster, stored.value.cell, stored.value.uid)),
            condition: .unchanged(stored.value.storeKey, modRevision: stored.modRevision))
    }

    // MARK: Sealing

    private func make(_ cluster: Cluster, replacing old: Stored<StoredCredentials>?) async throws -> ClusterCredentials {
        let made = try ClusterCredentials.make(cluster: cluster.name, now: time.now)
        let uid = cluster.metadata.uid
        let sealed = try seal(made, cluster.name, cluster.cell, uid)
        // Only while the cluster exists, so that a late writer leaves nothing behind a deleted one.
        guard let owner = try await store.get(Cluster.self, cluster.storeKey), owner.value.metadata.uid == uid else {
            throw FleetError(.credentials, "The cluster '\(cluster.name)' is gone.")
        }
        let place: StoreCondition = old.map { .unchanged(sealed.storeKey, modRevision: $0.modRevision) } ?? .absent(sealed.storeKey)
        try await store.commit([try .put(sealed)], if: [place, .unchanged(owner.value.storeKey, modRevision: owner.modRevision)])
        return made
    }

    private func seal(_ credentials: ClusterCredentials, _ cluster: ClusterName, _ cell: CellName, _ uid: String) throws
        -> StoredCredentials
    {
        StoredCredentials(
            cluster: cluster, cell: cell, uid: uid,
            sealed: try box.seal(Data(try StoreCoding.encode(credentials)), associatedData: associatedData(cluster, uid)))
    }

    private func open(_ stored: StoredCredentials) throws -> ClusterCredentials {
        do {
            let plain = try box.open(stored.sealed, associatedData: associatedData(stored.cluster, stored.uid))
            return try StoreCoding.decode(ClusterCredentials.self, from: [UInt8](plain))
        } catch {
            throw FleetError(
                .credentials,
                "The credentials of cluster '\(stored.cluster)' cannot be opened; is the region's secret key file the right one?",
                cause: error)
        }
    }

    private func remember(_ credentials: ClusterCredentials, _ uid: String) -> ClusterCredentials {
        known.withLock { $0[uid] = credentials }
        return credentials
    }

    private func associatedData(_ cluster: ClusterName, _ uid: String) -> String { "credentials/\(cluster)/\(uid)" }
}
