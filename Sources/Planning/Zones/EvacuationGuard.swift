import FleetModel

/// Why a zone should not be taken out of service now.
public struct EvacuationObjection: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// Invariant 5: another zone is out of service.
        case anotherEvacuated
        /// Invariant 5: another zone is impaired.
        case anotherImpaired
        /// The other zones would not carry what runs in this one.
        case capacity
    }

    public var kind: Kind
    /// For people, with what to do about it.
    public var message: String

    public init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// Somebody who knows better may insist.
    public var canBeOverruled: Bool { kind == .capacity }
    public var description: String { message }
}

/// Looks at everything before a zone goes out of service. Pure.
public struct EvacuationGuard: Sendable {
    /// Less than this part of the API servers that serve a cluster would be left: the others would be overrun.
    public var leastRemaining = 0.5

    public init() {}

    /// - Parameters:
    ///   - zones: all of the region.
    ///   - clusters: whose instances are in the region; those that are being made or deleted have no load to carry.
    public func objections(to zone: ZoneName, zones: [Zone], clusters: [Cluster]) -> [EvacuationObjection] {
        invariant(zone, zones) + capacity(zone, clusters)
    }

    /// Invariant 5 alone.
    public func invariant(_ zone: ZoneName, _ zones: [Zone]) -> [EvacuationObjection] {
        zones.filter { $0.name != zone }.compactMap { other in
            if other.isEvacuated {
                return EvacuationObjection(
                    .anotherEvacuated,
                    "Zone \(other.name) is out of service (\(other.spec.reason)), and two at once would leave no quorum; restore it first.")
            }
            guard other.status.health.isImpaired else { return nil }
            return EvacuationObjection(
                .anotherImpaired,
                "Zone \(other.name) is \(other.status.health.text), and \(zone) is needed while it is; wait until it is healthy.")
        }
    }

    /// One objection for all clusters that the other zones would not carry.
    public func capacity(_ zone: ZoneName, _ clusters: [Cluster]) -> [EvacuationObjection] {
        let reasons = clusters.sorted { $0.name < $1.name }.compactMap { cluster in
            shortage(of: cluster, without: zone).map { "\(cluster.name): \($0)" }
        }
        guard !reasons.isEmpty else { return [] }
        let more = reasons.count > 3 ? "; and \(reasons.count - 3) clusters more" : ""
        return [
            EvacuationObjection(
                .capacity, "The other zones would not carry the load of \(zone): \(reasons.prefix(3).joined(separator: "; "))\(more).")
        ]
    }

    private func shortage(of cluster: Cluster, without zone: ZoneName) -> String? {
        guard cluster.metadata.deletionRequestedAt == nil, cluster.status.activeSince != nil else { return nil }
        func ready(_ role: InstanceRole) -> [InstanceSummary] {
            cluster.status.instances.filter { $0.role == role && $0.state == InstanceSummary.readyState }
        }
        let members = min(3, cluster.spec.controlPlane.zones.count)
        let remainingMembers = ready(.etcd).count { $0.zone != zone }
        let holdsMember = cluster.status.instances.contains { $0.role == .etcd && $0.zone == zone }
        if holdsMember, remainingMembers * 2 <= members {
            return "\(remainingMembers) of \(members) etcd members are ready elsewhere, too few for a quorum"
        }
        let servers = ready(.apiServer)
        let remaining = servers.count { $0.zone != zone }
        guard remaining < servers.count else { return nil }
        if remaining == 0 { return "no API server is ready elsewhere" }
        guard Double(remaining) < leastRemaining * Double(servers.count) else { return nil }
        return "\(remaining) of \(servers.count) API servers would be left"
    }
}
