import FleetModel
import Substrate

/// How far a restore is, found by looking.
public struct RestoreObservation: Codable, Hashable, Sendable {
    /// The snapshot is at hand, and was found good by restoring it into an etcd of its own.
    public var isPrepared: Bool
    /// Why it will never be: for people.
    public var refusal: String?
    /// Names of the volumes that hold the snapshot's data.
    public var restoredVolumes: Set<String>

    public init(isPrepared: Bool = false, refusal: String? = nil, restoredVolumes: Set<String> = []) {
        self.isPrepared = isPrepared
        self.refusal = refusal
        self.restoredVolumes = restoredVolumes
    }
}

/// What a restore asks for: first the snapshot is checked, while the cluster goes on serving; then everything stops, all
/// volumes are restored, and what follows is an ordinary start. Invariant 6.
///
/// A zone that is out of service does not hold it up once a majority is restored; its member follows when the zone is back.
struct RestorePlanner {
    /// - Parameter ordinary: the plan without a restore.
    /// - Returns: nil when every member is restored, and the ordinary plan is the whole plan.
    func plan(
        _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation,
        ordinary: (ControlPlaneIntent, ControlPlaneObservation) -> Plan
    ) -> Plan? {
        guard let restore = intent.restore else { return nil }
        let state = RestoreState(intent, observation)
        guard !state.left.isEmpty else { return nil }
        if !state.hasBegun, observation.restore?.isPrepared != true {
            return before(restore, intent, observation, ordinary)
        }
        return state.mayServe ? follow(restore, state, intent, observation, ordinary) : rewrite(restore, state, intent, observation)
    }

    /// Nothing is touched yet.
    private func before(
        _ restore: RestoreIntent, _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation,
        _ ordinary: (ControlPlaneIntent, ControlPlaneObservation) -> Plan
    ) -> Plan {
        if restore.kind == .newCluster {
            // Without the data nothing starts: an empty cluster is not what was asked for.
            if let refusal = observation.restore?.refusal {
                return Plan(waits: [Wait("RestoreRefused", refusal)], outlook: .unavailable)
            }
            return Plan(
                actions: foundation(intent, observation.substrate) + [.prepareRestore(restore)], outlook: .unavailable)
        }
        var without = intent
        without.restore = nil
        var plan = ordinary(without, observation)
        plan.actions.append(observation.restore?.refusal.map { .abandonRestore(restore, $0) } ?? .prepareRestore(restore))
        if plan.outlook == .healthy { plan.outlook = .degraded }
        return plan
    }

    /// Everything that runs goes, API servers first, and every volume within reach is restored.
    private func rewrite(
        _ restore: RestoreIntent, _ state: RestoreState, _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation
    ) -> Plan {
        var plan = Plan(waits: [Wait("Restoring", "the cluster is being restored from \(restore.summary)")], outlook: .unavailable)
        let within = observation.substrate.instances.filter { $0.role != .loadBalancer && !observation.unavailableZones.contains($0.zone) }
        let running = within.contains { $0.role == .apiServer } ? within.filter { $0.role == .apiServer } : within
        if !running.isEmpty {
            plan.actions = running.map { .removeInstance($0.id) }
            return plan
        }
        plan.actions = foundation(intent, observation.substrate, only: state.reachable)
        guard plan.actions.isEmpty else { return plan }
        plan.actions = state.reachable.map { .restoreMember($0.intent, restore) }
        for member in state.left where !state.reachable.contains(where: { $0.id == member.id }) {
            plan.waits.append(Wait("RestoreZone", "\(member.volume.name) is restored when zone \(member.zone) is back"))
        }
        return plan
    }

    /// A majority is restored and serves; who came too late is restored by and by.
    private func follow(
        _ restore: RestoreIntent, _ state: RestoreState, _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation,
        _ ordinary: (ControlPlaneIntent, ControlPlaneObservation) -> Plan
    ) -> Plan {
        var plan = ordinary(intent, observation)
        let late = Set(state.left.map(\.id))
        plan.actions.removeAll { action in
            switch action {
            case .startInstance(let instance), .replaceInstance(let instance): late.contains(instance.id)
            default: false
            }
        }
        for member in state.left {
            plan.waits.append(Wait("RestoreZone", "\(member.volume.name) is restored when zone \(member.zone) is back"))
        }
        for member in state.reachable {
            if observation.substrate.instances.contains(where: { $0.id == member.id }) {
                plan.actions.append(.removeInstance(member.id))
            } else if observation.substrate.volumes.contains(where: { $0.id == member.volume && $0.isUsable }) {
                plan.actions.append(.restoreMember(member.intent, restore))
            }
        }
        if plan.outlook == .healthy { plan.outlook = .degraded }
        return plan
    }

    /// The network, and the volumes that are to be written anew: one that is gone or cannot be read is made again, since its data
    /// comes from the snapshot.
    private func foundation(_ intent: ControlPlaneIntent, _ seen: SubstrateObservation, only members: [EtcdMember]? = nil) -> [Action] {
        var actions: [Action] = []
        if seen.network?.isComplete != true || seen.network?.network != intent.spec.network {
            actions.append(.ensureNetwork(NetworkSpec(cluster: intent.cluster, network: intent.spec.network)))
        }
        for member in members ?? EtcdMember.all(of: intent) {
            switch seen.volumes.first(where: { $0.id == member.volume }) {
            case nil: actions.append(.ensureVolume(VolumeSpec(id: member.volume, zone: member.zone)))
            case .some(let volume) where !volume.isUsable: actions.append(.removeVolume(volume.id))
            case .some: break
            }
        }
        return actions
    }
}

/// Where a restore stands; the same words for the planner and for the invariants.
struct RestoreState {
    /// Members whose volumes are not restored yet.
    let left: [EtcdMember]
    /// Those of them that can be.
    let reachable: [EtcdMember]
    let hasBegun: Bool
    /// A majority is restored, and nobody else is within reach or it already runs.
    let mayServe: Bool

    init(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) {
        let members = EtcdMember.all(of: intent)
        let restored = observation.restore?.restoredVolumes ?? []
        let left = members.filter { !restored.contains($0.volume.name) }
        let reachable = left.filter { !observation.unavailableZones.contains($0.zone) }
        let isRunning = members.contains { member in
            restored.contains(member.volume.name) && observation.substrate.instances.contains { $0.id == member.id }
        }
        self.left = left
        self.reachable = reachable
        hasBegun = left.count < members.count
        mayServe = (members.count - left.count) * 2 > members.count && (reachable.isEmpty || isRunning)
    }

    /// All that runs of the cluster may be taken down: its data is about to be replaced, and the replacement is at hand.
    static func isStopping(_ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation) -> Bool {
        guard intent.restore != nil, !intent.isDeleting else { return false }
        let state = RestoreState(intent, observation)
        return !state.left.isEmpty && !state.mayServe && (state.hasBegun || observation.restore?.isPrepared == true)
    }
}
