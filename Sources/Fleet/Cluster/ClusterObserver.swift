import FleetModel
import Planning
import Substrate
import Synchronization
import Timing

/// Looks at one control plane from all sides.
final class ClusterObserver: Sendable {
    private let substrate: any Substrate
    private let probe: any HealthProbe
    private let time: TimeSource
    private let restores: (any ClusterRestoring)?
    /// When an API server instance or etcd member was first seen unready since it was last ready. Lost with the process, which only
    /// postpones a replacement.
    private let unreadySince = Mutex<[InstanceID: Duration]>([:])

    init(substrate: any Substrate, probe: any HealthProbe, restores: (any ClusterRestoring)? = nil, time: TimeSource) {
        self.substrate = substrate
        self.probe = probe
        self.time = time
        self.restores = restores
    }

    func observe(_ cluster: Cluster) async throws -> ControlPlaneObservation {
        let seen = try await substrate.observe(cluster.name)
        func targets(_ role: InstanceRole) -> [ProbeTarget.Instance] {
            seen.instances.filter { $0.role == role && $0.state == .running }.map { .init(name: $0.id.name, address: $0.address) }
        }
        let isDeleting = cluster.metadata.deletionRequestedAt != nil
        let health =
            isDeleting
            ? HealthObservation()
            : await probe.probe(ProbeTarget(cluster: cluster, etcdMembers: targets(.etcd), apiServers: targets(.apiServer)))
        var observation = ControlPlaneObservation(
            substrate: seen, health: health, isBootstrapped: cluster.status.isBootstrapped,
            unreadySeconds: track(seen, health, cluster.name))
        if let restore = cluster.spec.restore, !isDeleting { observation.restore = try await restores?.observe(restore, of: cluster) }
        return observation
    }

    func forget(_ cluster: ClusterName) {
        unreadySince.withLock { $0 = $0.filter { $0.key.cluster != cluster } }
    }

    private func track(_ seen: SubstrateObservation, _ health: HealthObservation, _ cluster: ClusterName) -> [String: Double] {
        let now = time.uptime
        let instances = seen.instances.filter { $0.role != .loadBalancer }
        return unreadySince.withLock { since in
            let present = Set(instances.map(\.id))
            for id in since.keys where id.cluster == cluster && !present.contains(id) { since[id] = nil }
            var seconds: [String: Double] = [:]
            for instance in instances {
                let isReady =
                    instance.role == .etcd
                    ? health.etcdMembers[instance.id.name]?.isHealthy == true : health.apiServers[instance.id.name]?.isReady == true
                if instance.state == .running, isReady {
                    since[instance.id] = nil
                } else {
                    let start = since[instance.id] ?? now
                    since[instance.id] = start
                    seconds[instance.id.name] = (now - start).seconds
                }
            }
            return seconds
        }
    }
}
