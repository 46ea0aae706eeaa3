import FleetModel
import Foundation
import Substrate

/// What is said of a cluster: from its intent, what was seen, and the plan. Pure.
public struct ClusterStatusPlanner: Sendable {
    public init() {}

    /// - Parameter old: the last status; conditions keep their `since` while they do not change.
    public func status(
        _ old: ClusterStatus, _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation, _ plan: Plan, generation: Int64,
        now: Date
    ) -> ClusterStatus {
        var status = old
        status.observedGeneration = generation
        status.waits = plan.waits
        // Also where its zone is out of service none of before is left: it may come back.
        status.areAPIServersThrough = plan.areAPIServersThrough && observation.areAPIServersThrough(intent) ? true : nil
        status.instances = instances(observation)
        status.endpoint = "https://\(intent.spec.network.loadBalancer)"
        if intent.isDeleting {
            status.phase = .deleting
        } else if plan.outlook == .healthy, old.activeSince == nil {
            // First time whole: from here on it is active, and what breaks later is said by conditions.
            status.phase = .active
            status.activeSince = now
        }
        if !intent.isDeleting, old.activeSince != nil { status.phase = intent.isUpdating ? .updating : .active }
        if intent.restore?.kind == .newCluster, observation.restore?.refusal != nil, !intent.isDeleting { status.phase = .failed }
        var planned = conditions(intent, plan)
        if let expiry = CertificateExpiry(status.instances).warning(now: now) {
            planned.append(Draft(kind: .certificatesValid, status: expiry.status, reason: expiry.reason, message: expiry.message))
        }
        status.conditions = planned.map { new in
            guard let kept = old.conditions.first(where: { $0.kind == new.kind && $0.status == new.status }) else {
                return Condition(kind: new.kind, status: new.status, reason: new.reason, message: new.message, since: now)
            }
            return Condition(kind: new.kind, status: new.status, reason: new.reason, message: new.message, since: kept.since)
        }
        // What others say of the cluster stays as they said it.
        status.conditions += old.conditions.filter { other in !planned.contains { $0.kind == other.kind } }
        return status
    }

    private struct Draft {
        var kind: Condition.Kind
        var status: Condition.Status
        var reason: String
        var message: String
    }

    private func conditions(_ intent: ControlPlaneIntent, _ plan: Plan) -> [Draft] {
        let why = (plan.waits.map(\.message) + plan.actions.map(\.title)).joined(separator: "; ")
        let reason = plan.waits.first?.reason ?? (plan.actions.isEmpty ? "AsWanted" : "Acting")
        let serves = plan.outlook == .healthy || plan.outlook == .degraded
        let isWhole = plan.outlook == .healthy
        return [
            Draft(
                kind: .available, status: serves ? .yes : .no, reason: serves ? "Serving" : reason,
                message: serves ? "the endpoint serves" : why),
            Draft(
                kind: .progressing, status: isWhole ? .no : .yes, reason: isWhole ? "AsWanted" : reason,
                message: isWhole ? "nothing to do" : why),
            Draft(
                kind: .degraded, status: intent.isEstablished && !isWhole && !intent.isDeleting ? .yes : .no,
                reason: isWhole ? "AsWanted" : reason, message: isWhole ? "all members and API servers are ready" : why),
        ]
    }

    private func instances(_ observation: ControlPlaneObservation) -> [InstanceSummary] {
        var summaries = observation.substrate.instances.sorted { $0.id < $1.id }.map { instance in
            let member = observation.health.etcdMembers[instance.id.name]
            let isReady =
                instance.role == .etcd
                ? member?.isHealthy == true : observation.health.apiServers[instance.id.name]?.isReady == true
            let running = isReady ? InstanceSummary.readyState : InstanceSummary.startingState
            let state = instance.state == .running ? running : instance.state.rawValue
            return InstanceSummary(
                name: instance.id.name, role: instance.role, zone: instance.zone, address: instance.address, release: instance.release,
                state: state, isLeader: member?.isLeader == true,
                isFenced: observation.substrate.fenced.contains(instance.address) ? true : nil,
                isJoining: instance.isJoining ? true : nil, certificatesExpireAt: instance.certificatesExpireAt)
        }
        if let balancer = observation.substrate.loadBalancer {
            summaries.append(
                InstanceSummary(
                    name: "load-balancer", role: .loadBalancer, zone: nil, address: balancer.address, release: nil,
                    state: balancer.state == .running ? InstanceSummary.readyState : balancer.state.rawValue, isLeader: false))
        }
        return summaries
    }
}
