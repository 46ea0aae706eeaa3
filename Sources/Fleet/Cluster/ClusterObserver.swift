import FleetModel
import Planning
import Substrate
import Timing

/// Looks at one control plane from all sides.
final class ClusterObserver: Sendable {
    private let substrate: any Substrate
    private let probe: any HealthProbe
    private let operations: any ControlPlaneOperations
    private let board: ServiceStateBoard
    private let durations: ObservedDurations
    private let trials: InstanceTrials
    private let time: TimeSource
    private let restores: (any ClusterRestoring)?

    /// Longer than the members take to answer each other.
    private static let membershipTimeout = Duration.seconds(3)
    /// Somebody is to be cut off, and clients wait for it.
    private static let hurriedTimeout = Duration.milliseconds(400)

    init(
        substrate: any Substrate, probe: any HealthProbe, operations: any ControlPlaneOperations, board: ServiceStateBoard,
        restores: (any ClusterRestoring)? = nil, trials: InstanceTrials, policy: UpdatePolicy, time: TimeSource
    ) {
        self.trials = trials
        self.substrate = substrate
        self.probe = probe
        self.operations = operations
        self.board = board
        self.time = time
        durations = ObservedDurations(policy: policy, time: time)
        self.restores = restores
    }

    func observe(_ cluster: Cluster) async throws -> ControlPlaneObservation {
        let seen = try await substrate.observe(cluster.name)
        let isDeleting = cluster.metadata.deletionRequestedAt != nil
        let (view, health) =
            isDeleting ? (board.view(of: cluster.name), HealthObservation()) : await look(cluster, seen)
        var observation = ControlPlaneObservation(
            substrate: seen, health: health, isBootstrapped: cluster.status.isBootstrapped, unavailableZones: view.evacuatedZones,
            isolatedInstances: view.isolated)
        observation.impairedZones = view.impairedZones
        observation.corruptMembers = cluster.status.etcd?.corruptMembers ?? []
        let intent = ControlPlaneIntent(cluster)
        // Who has to be cut off comes first.
        let isUrgent = isUrgent(seen, view)
        if !isDeleting, !isUrgent, observation.hasOnlyNewControllers(intent) {
            observation.leads = (try? await within(Self.membershipTimeout, time) { try await self.operations.leads(of: cluster) }) ?? [:]
        }
        durations.note(&observation, of: cluster)
        trials.note(&observation, of: cluster)
        if observation.needsMembership(intent) {
            observation.membership = await membership(
                of: cluster, observation.dependableMembers(intent),
                within: isUrgent ? Self.hurriedTimeout : Self.membershipTimeout)
        }
        if let restore = intent.restore, !isDeleting { observation.restore = try await restores?.observe(restore, of: cluster) }
        return observation
    }

    func forget(_ cluster: ClusterName) {
        durations.forget(cluster)
        trials.forget(cluster)
        board.forget(cluster)
    }

    /// Probes, and begins anew when something goes out of service meanwhile: who waits for a dead instance's answer reacts too
    /// late to its death.
    private func look(
        _ cluster: Cluster, _ seen: SubstrateObservation
    ) async -> (ServiceStateView, HealthObservation) {
        while true {
            let changes = board.changes
            let view = board.view(of: cluster.name)
            func targets(_ role: InstanceRole) -> [ProbeTarget.Instance] {
                seen.instancesAndStandbys.filter { $0.role == role && $0.state == .running }.map {
                    .init(name: $0.id.name, address: $0.address, port: $0.serverPort)
                }
            }
            let out = seen.instances.filter(view.isOut)
            let target = ProbeTarget(
                cluster: cluster, etcdMembers: targets(.etcd), apiServers: targets(.apiServer),
                suspects: Set(out.flatMap { [$0.id.name, $0.id.standby.name] }),
                isUrgent: isUrgent(seen, view))
            let health = await withTaskGroup(of: HealthObservation?.self) { group in
                group.addTask { await self.probe.probe(target) }
                group.addTask {
                    for await change in changes where change.contains(cluster.name) { return nil }
                    // Cancelled, or nobody writes to the board any more: the probe alone decides.
                    return await self.never()
                }
                let first = await group.next() ?? nil
                group.cancelAll()
                return first
            }
            // The answers may have come at the very moment of a change.
            if let health, board.view(of: cluster.name) == view { return (view, health) }
            if Task.isCancelled { return (view, HealthObservation()) }
        }
    }

    /// Somebody is out of service and not cut off yet.
    private func isUrgent(_ seen: SubstrateObservation, _ view: ServiceStateView) -> Bool {
        seen.instances.contains { view.isOut($0) && !seen.fenced.contains($0.address) }
    }

    private func never() async -> HealthObservation {
        while !Task.isCancelled { try? await time.sleep(for: .seconds(60)) }
        return HealthObservation()
    }

    private func membership(of cluster: Cluster, _ members: [InstanceID], within limit: Duration) async -> [EtcdMembership]? {
        guard !members.isEmpty else { return nil }
        return try? await within(limit, time) { try await self.operations.membership(of: cluster, asking: members) }
    }
}
