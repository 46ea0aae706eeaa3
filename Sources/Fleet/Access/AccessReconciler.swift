import Controller
import FleetModel
import FleetStore
import Substrate

/// Tells a cluster's API servers who may log in.
public protocol AccessPublishing: Sendable {
    /// Where the store keeps what this depends on.
    func prefixes(in cell: CellName) -> [StoreKey]
    /// The files that an API server instance's authenticator reads: mappings and signing keys.
    func files(of cluster: Cluster) async throws -> [InstanceFile]
    /// Makes the running API servers and the cluster's RBAC say what the access entries say. Idempotent.
    /// - Returns: when to look again although no entry changed (namespaces come and go); nil: at the usual resync.
    func publish(_ cluster: Cluster) async throws -> Duration?
}

/// Keeps logins as the access entries say.
struct AccessReconciler: Reconciler {
    let kind = "access"
    let cell: CellName
    let store: any FleetStore
    let publishing: any AccessPublishing

    func reconcile(_ name: ClusterName) async throws -> Outcome {
        guard let stored = try await store.get(Cluster.self, StoreKeys.cluster(name, in: cell)) else { return .absent }
        guard stored.value.metadata.deletionRequestedAt == nil else { return .absent }
        guard stored.value.status.isBootstrapped else { return .waiting("the API servers are not up yet", recheck: .seconds(1)) }
        guard let recheck = try await publishing.publish(stored.value) else { return .settled }
        return .waiting("namespaces of access policies may come and go", recheck: recheck)
    }
}
