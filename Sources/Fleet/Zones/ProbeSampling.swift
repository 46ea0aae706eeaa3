import FleetModel
import Planning
import Substrate

/// Which instances are asked: of sixteen clusters a zone at most, since thousands tell no more of a zone than sixteen do.
struct ProbeSampling {
    /// Clusters sampled in one zone.
    static let clustersPerZone = 16

    var endpoints: [ProbeEndpoint] = []
    /// Being made, replaced or removed.
    var underWork: Set<ProbeSubject> = []
    /// Ready when the store last heard of them.
    var knownReady: Set<ProbeSubject> = []
    /// Nothing of them ran then.
    var knownStopped: Set<ProbeSubject> = []

    /// - Parameter clusters: all of the cell.
    init(_ clusters: [Cluster]) {
        var taken: [ZoneName: Int] = [:]
        let eligible = clusters.filter { $0.metadata.deletionRequestedAt == nil && !$0.status.instances.isEmpty }
        // The same ones each time; spread over all by their ids, which nobody chooses.
        for cluster in eligible.sorted(by: { ($0.metadata.uid, $0.name) < ($1.metadata.uid, $1.name) }) {
            let instances = cluster.status.instances.filter { $0.zone != nil && $0.role != .loadBalancer }
            let zones = Set(instances.compactMap(\.zone))
            guard zones.contains(where: { taken[$0, default: 0] < Self.clustersPerZone }) else { continue }
            for zone in zones { taken[zone, default: 0] += 1 }
            add(cluster, instances)
        }
    }

    private mutating func add(_ cluster: Cluster, _ instances: [InstanceSummary]) {
        let worked = Set(cluster.status.steps.filter { $0.finishedAt == nil }.compactMap(\.instance))
        for instance in instances {
            // Where nothing runs nobody can answer. It is started, not fenced off, and its zone is not to blame.
            guard let zone = instance.zone, instance.isThere else { continue }
            let subject = ProbeSubject(cluster: cluster.name, instance: instance.name, role: instance.role, zone: zone)
            endpoints.append(ProbeEndpoint(subject: subject, address: instance.address, cluster: cluster))
            if worked.contains(instance.name) || cluster.status.activeSince == nil { underWork.insert(subject) }
            if instance.state == InstanceSummary.readyState { knownReady.insert(subject) }
            if instance.state == InstanceObservation.State.stopped.rawValue { knownStopped.insert(subject) }
        }
    }
}
