import FleetModel
import Substrate

/// Which etcd member a snapshot is taken from. Pure.
///
/// A healthy one in a zone that is in service, and a follower before the leader: reading a whole database takes time from
/// whoever gives it.
public struct SnapshotMemberPlanner: Sendable {
    public init() {}

    /// - Parameters:
    ///   - members: names and zones, in order.
    ///   - unavailable: zones out of service.
    ///   - avoided: members that failed at it just now; taken only where nobody else can.
    /// - Returns: nil when no member is healthy and in service.
    public func choose(
        _ members: [(name: String, zone: ZoneName)], _ health: [String: EtcdMemberHealth], unavailable: Set<ZoneName>,
        isolated: Set<String>,
        avoided: Set<String>
    ) -> String? {
        let able = members.filter { member in
            health[member.name]?.isHealthy == true && !unavailable.contains(member.zone) && !isolated.contains(member.name)
        }
        func rank(_ name: String) -> Int { (avoided.contains(name) ? 2 : 0) + (health[name]?.isLeader == true ? 1 : 0) }
        return able.min { rank($0.name) < rank($1.name) }?.name
    }
}
