import FleetModel
import Substrate

/// Whether a cluster serves: etcd has its quorum, and the endpoint leads to an API server that answers. Judged by what runs and
/// is reached at one moment, without the time that elections and health checks take.
public struct SimulatedService: Hashable, Sendable {
    /// As it is.
    public var serves: Bool
    /// With nothing fenced off, drained or ended because it was out of service.
    public var wouldServe: Bool
}

extension SimulatedSubstrate {
    /// - Parameter ended: instances that were ended because they were out of service, and would run otherwise.
    /// - Returns: nil when there is no such cluster.
    public func service(of cluster: ClusterName, without ended: [InstanceObservation]) -> SimulatedService? {
        var service: SimulatedService?
        disturb { region, now in
            let around = region.around(now)
            guard let cluster = region.clusters[cluster] else { return }
            service = SimulatedService(serves: cluster.serves(around), wouldServe: cluster.wouldServe(around, ended))
        }
        return service
    }
}

extension SimulatedCluster {
    fileprivate func serves(_ around: Surroundings) -> Bool {
        let admitted = Set(balancer?.backends.filter { $0.admission == .ready }.map(\.name) ?? [])
        let servers = instances.contains {
            admitted.contains($0.id.name) && !fenced.contains($0.address) && answers($0, .apiServer, around)
        }
        return servers && isQuorum(instances.filter { !fenced.contains($0.address) && answers($0, .etcd, around) }.map(\.id.name))
    }

    fileprivate func wouldServe(_ around: Surroundings, _ ended: [InstanceObservation]) -> Bool {
        let ended = ended.filter { gone in !instances.contains { $0.id == gone.id } && wouldAnswer(gone, around) }
        let admitted = Set(balancer?.backends.map(\.name) ?? [])
        let servers =
            instances.contains { admitted.contains($0.id.name) && answers($0, .apiServer, around) }
            || balancer != nil && ended.contains { $0.role == .apiServer }
        let members = instances.filter { answers($0, .etcd, around) }.map(\.id.name)
        return servers && isQuorum(members + ended.filter { $0.role == .etcd }.map(\.id.name))
    }

    private func isQuorum(_ members: [String]) -> Bool {
        let voters = roster.voters
        return Set(members).intersection(voters).count * 2 > voters.count
    }

    private func answers(_ instance: SimulatedInstance, _ kind: ComponentKind, _ around: Surroundings) -> Bool {
        guard let start = instance.runningSince(kind, now: around.now), instance.isFit, around.reaches(instance) else { return false }
        return start + (kind == .etcd ? around.timings.etcdStart : around.timings.apiServerStart) <= around.now
    }

    private func wouldAnswer(_ gone: InstanceObservation, _ around: Surroundings) -> Bool {
        if let volume = gone.volume, !volumes.contains(where: { $0.id == volume && $0.isUsable }) { return false }
        return around.reaches(gone.id, in: gone.zone, hasVolume: gone.volume != nil)
    }
}
