import FleetModel
import Substrate

/// What a question to a simulated instance would meet at this moment.
public enum SimulatedReach: Hashable, Sendable {
    /// Its main process answers, after so long; so many segments had to be sent again for it.
    case answers(Duration, resent: Int = 0)
    /// Its machine takes the question, and nobody answers.
    case delivered
    /// Nothing comes back at all.
    case lost
    /// There is no process, and its machine says so.
    case refused
}

extension SimulatedSubstrate {
    /// By instance name.
    /// - Parameter unseen: zones that whoever asks cannot reach, for a reason of its own.
    public func reach(of cluster: ClusterName, unseen: Set<ZoneName> = []) -> [String: SimulatedReach] {
        var reach: [String: SimulatedReach] = [:]
        disturb { region, now in
            if region.clusters[cluster]?.instances.contains(where: { $0.flaw != nil }) == true { region.change(cluster, now) { _ in } }
            guard let cluster = region.clusters[cluster] else { return }
            for instance in cluster.instances {
                reach[instance.id.name] = unseen.contains(instance.zone) ? .lost : region.reach(of: instance, now)
            }
        }
        return reach
    }
}

extension SimulatedRegion {
    fileprivate func reach(of instance: SimulatedInstance, _ now: Duration) -> SimulatedReach {
        let effects = around(now).effects(on: instance)
        if dark.contains(instance.zone) || instance.state != .running || effects.hasNoPower || effects.isCutOff { return .lost }
        if effects.isFrozen { return .delivered }
        let isUp = instance.runningSince(instance.role == .etcd ? .etcd : .apiServer, now: now) != nil
        guard isUp, instance.role != .etcd || !effects.hasFullDisk else { return .refused }
        if effects.isStarved { return .answers(.milliseconds(400)) }
        // A segment that is lost is sent again after 200 ms.
        let isLost = Self.percentile(instance.id.description, now) < effects.lossPercent
        return isLost ? .answers(.milliseconds(210), resent: 1) : .answers(.milliseconds(2))
    }

    /// 0 to 99, evenly spread and always the same for the same text and time (FNV-1a).
    private static func percentile(_ text: String, _ now: Duration) -> Double {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in "\(text) \(now)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return Double((hash >> 32) % 100)
    }
}
