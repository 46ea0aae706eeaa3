/// How far one cluster is with a zone's evacuation or restoration, from its stored status. Pure.
public struct EvacuationProgress: Hashable, Sendable {
    public var cluster: ClusterName
    /// Nothing is left to do in this cluster.
    public var isDone: Bool
    /// What is still in the way, for people.
    public var waits: [String]

    /// - Returns: nil when the cluster has nothing in the zone, or is not its own to judge (being made, being deleted, exempt).
    public init?(of cluster: Cluster, _ zone: Zone) {
        guard cluster.metadata.deletionRequestedAt == nil, cluster.status.activeSince != nil,
            !zone.isEvacuated || !cluster.isExempt(from: zone.spec)
        else { return nil }
        let instances = cluster.status.instances.filter { $0.zone == zone.name }
        // Its member lives there, unless it has been ended with the rest of the zone.
        let lacksMember =
            !zone.isEvacuated && cluster.spec.controlPlane.memberZones.contains(zone.name)
            && !instances.contains { $0.role == .etcd }
        guard !instances.isEmpty || lacksMember else { return nil }
        self.cluster = cluster.name
        var reasons = lacksMember ? ["its etcd member in \(zone.name) is not back yet"] : []
        for instance in instances {
            if zone.isEvacuated {
                if instance.isLeader { reasons.append("\(instance.name) still leads") }
                if instance.isFenced != true { reasons.append("\(instance.name) is not fenced off yet") }
            } else {
                if instance.isFenced == true {
                    reasons.append("\(instance.name) is still fenced off")
                } else if instance.state != InstanceSummary.readyState {
                    reasons.append("\(instance.name) is \(instance.state)")
                }
            }
        }
        isDone = reasons.isEmpty
        waits = isDone ? [] : reasons + cluster.status.waits.map(\.message).filter { !reasons.contains($0) }
    }
}

extension Cluster {
    /// EKS: zonal autoshift is for clusters that have it enabled (`zonalShiftConfig`). An operator's evacuation is for all.
    public func isExempt(from spec: ZoneSpec) -> Bool { spec.isAutomatic && !self.spec.settings.zonalShiftEnabled }
}
