import FleetModel
import Substrate

/// What goes wrong, and what is done to running control planes through their own interfaces.
extension SimulatedSubstrate {
    /// A process dies; supervision starts it again. Nil: all processes of the instance.
    public func crash(_ component: ComponentKind?, of id: InstanceID) {
        disturb { $0.crash(id.cluster, id.name, component, $1) }
    }

    public func crashLoadBalancer(of cluster: ClusterName) {
        disturb { $0.crashBalancer(cluster, $1) }
    }

    /// An instance loses its supervision and stays stopped.
    public func stop(_ id: InstanceID) {
        disturb { $0.stop($1) { $0.id == id } }
    }

    /// Its processes run and never become ready, until it is made anew.
    public func wedge(_ id: InstanceID) {
        disturb { $0.wedge(id, $1) }
    }

    /// A zone cannot be reached. With `power` false its instances stop as well, and stay stopped when it comes back.
    public func lose(_ zone: ZoneName, power: Bool) {
        disturb { region, now in
            region.settleAll(now)
            region.dark.insert(zone)
            if !power { region.stop(now) { $0.zone == zone } }
            region.settleAll(now)
        }
    }

    public func restore(_ zone: ZoneName) {
        disturb { region, now in
            region.settleAll(now)
            region.dark.remove(zone)
            region.settleAll(now)
        }
    }

    /// Zones that cannot be reached.
    public var unreachableZones: Set<ZoneName> {
        var zones: Set<ZoneName> = []
        disturb { region, _ in zones = region.dark }
        return zones
    }

    /// A disk is gone, with the instance that held it.
    public func destroy(_ volume: VolumeID) {
        disturb { region, now in
            if region.clusters[volume.cluster] != nil { region.change(volume.cluster, now) { $0.destroyVolume(volume) } }
        }
    }

    /// Hands etcd's leadership over.
    /// - Throws: `SubstrateError` (`unavailable`) when there is no leader or the heir does not answer.
    public func moveLeader(of cluster: ClusterName, to name: String) throws {
        var moved = false
        disturb { region, now in
            let around = region.around(now)
            if region.clusters[cluster] != nil { moved = region.change(cluster, now) { $0.moveLeader(to: name, around) } }
        }
        if !moved { throw SubstrateError(.unavailable, "\(name) cannot lead now") }
    }

    /// Who is a member of etcd, by what the cluster itself knows; `address` is nil until the member's first instance was made.
    public struct Member: Sendable {
        public var name: String
        public var address: IPv4Address?
        public var isLearner: Bool
        public var hasStarted: Bool
    }

    public func members(of cluster: ClusterName) -> [Member] {
        var found: [Member] = []
        disturb { region, _ in
            found =
                region.clusters[cluster]?.roster.entries.map {
                    Member(name: $0.name, address: $0.address, isLearner: $0.isLearner, hasStarted: $0.hasStarted)
                } ?? []
        }
        return found
    }

    public enum MembershipChange: Sendable {
        case remove(String)
        case add(String, IPv4Address)
        case promote(String)
    }

    /// - Throws: `SubstrateError` (`unavailable`) without a quorum, or for a learner that has not started.
    public func change(_ change: MembershipChange, of cluster: ClusterName) throws {
        var isDone = false
        disturb { region, now in
            let around = region.around(now)
            guard region.clusters[cluster] != nil else { return }
            isDone = region.change(cluster, now) {
                $0.changeRoster(around) { roster in
                    switch change {
                    case .remove(let name): roster.remove(name)
                    case .add(let name, let address): roster.add(name, address)
                    case .promote(let name): roster.promote(name)
                    }
                }
            }
        }
        if !isDone { throw SubstrateError(.unavailable, "the members of \(cluster) cannot change now") }
    }
}
