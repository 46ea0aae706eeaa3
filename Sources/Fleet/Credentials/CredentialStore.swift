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
    private let known = Mutex<[String: ClusterCredentials]>([:])

    public init(store: any FleetStore, box: SecretBox, time: TimeSource) {
        self.store = store
        self.box = box
        self.time = time
    }

    /// The cluster's credentials; made when there are none.
    public func credentials(of cluster: Cluster) async throws -> ClusterCredentials {
        let uid = cluster.metadata.uid
        if let credentials = known.withLock({ $0[uid] }) { return credentials }
        while true {
            let existing = try await store.get(StoredCredentials.self, StoreKeys.credentials(of: cluster.name, in: cluster.cell))
            if let existing, existing.value.uid == uid { return remember(try open(existing.value), uid) }
            do {
                return remember(try await make(cluster, replacing: existing), uid)
            } catch let error as StoreError where error.code == .conflict {
                // Somebody else made them first, or the cluster changed meanwhile: look again.
                try Task.checkCancellation()
            }
        }
    }

    /// Forgets what is at hand of a cluster that is gone.
    public func forget(uid: String) { known.withLock { $0[uid] = nil } }

    private func make(_ cluster: Cluster, replacing old: Stored<StoredCredentials>?) async throws -> ClusterCredentials {
        let made = try ClusterCredentials.make(cluster: cluster.name, now: time.now)
        let uid = cluster.metadata.uid
        let sealed = StoredCredentials(
            cluster: cluster.name, cell: cluster.cell, uid: uid,
            sealed: try box.seal(Data(try StoreCoding.encode(made)), associatedData: associatedData(cluster.name, uid)))
        // Only while the cluster exists, so that a late writer leaves nothing behind a deleted one.
        guard let owner = try await store.get(Cluster.self, cluster.storeKey), owner.value.metadata.uid == uid else {
            throw FleetError(.credentials, "The cluster '\(cluster.name)' is gone.")
        }
        let place: StoreCondition = old.map { .unchanged(sealed.storeKey, modRevision: $0.modRevision) } ?? .absent(sealed.storeKey)
        try await store.commit([try .put(sealed)], if: [place, .unchanged(owner.value.storeKey, modRevision: owner.modRevision)])
        return made
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
