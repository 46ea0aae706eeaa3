import FleetModel
import Substrate

/// What a question to a simulated instance would meet at this moment.
public enum SimulatedReach: Hashable, Sendable {
    /// Its main process answers, after so long.
    case answers(Duration)
    /// Its machine takes the question, and nobody answers.
    case delivered
    /// Nothing comes back at all.
    case lost
    /// There is no process, and its machine says so.
    case refused
}

extension SimulatedSubstrate {
    /// By instance name.
    public func reach(of cluster: ClusterName) -> [String: SimulatedReach] {
        var reach: [String: SimulatedReach] = [:]
        disturb { region, now in
            guard let cluster = region.clusters[cluster] else { return }
            for instance in cluster.instances { reach[instance.id.name] = region.reach(of: instance, now) }
        }
        return reach
    }
}

extension SimulatedRegion {
    fileprivate func reach(of instance: SimulatedInstance, _ now: Duration) -> SimulatedReach {
        if dark.contains(instance.zone) || instance.state != .running { return .lost }
        let isUp = instance.runningSince(instance.role == .etcd ? .etcd : .apiServer, now: now) != nil
        return isUp ? .answers(.milliseconds(2)) : .refused
    }
}
