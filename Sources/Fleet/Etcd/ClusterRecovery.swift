import FleetModel
import FleetStore
import Planning
import Substrate

/// Looks at a cluster that may have lost a majority of its etcd volumes, and says what it can begin again from. Changes nothing.
public struct ClusterRecovery: Sendable {
    private let store: any FleetStore
    private let substrate: any Substrate
    private let care: EtcdCare

    public init(store: any FleetStore, substrate: any Substrate, care: EtcdCare) {
        self.store = store
        self.substrate = substrate
        self.care = care
    }

    /// - Throws: `SubstrateError`, `StoreError`, `FleetError`.
    public func proposal(for cluster: Cluster) async throws -> RecoveryProposal {
        let connections = try await care.accessing.access(to: cluster)
        async let seen = substrate.observe(cluster.name)
        let (pages, _) = await care.maintenance.look(connections)
        var observation = ControlPlaneObservation(substrate: try await seen)
        for (name, page) in pages where page.hasLeader && !page.isLearner {
            observation.health.etcdMembers[name] = EtcdMemberHealth(isHealthy: true, isLeader: page.isLeader)
        }
        // Whoever asks has seen it fail for long enough; etcd's own last words decide whether its data is why.
        for member in connections.members where observation.health.etcdMembers[member.name] == nil {
            observation.unreadySeconds[member.name] = .infinity
        }
        let backups = try await store.list(Backup.self, prefix: StoreKeys.backups(of: cluster.name, in: cluster.cell)).items.map(\.value)
        return RecoveryAssessment().proposal(
            ControlPlaneIntent(cluster), observation, report: cluster.status.etcd,
            revisions: pages.mapValues(\.revision).filter { $0.value > 0 },
            backups: backups.filter { $0.clusterUID == cluster.metadata.uid })
    }
}
