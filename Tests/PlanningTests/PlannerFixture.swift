import FleetModel
import Foundation
import Planning
import Substrate

/// A cluster `demo` in three zones and what is seen of it. Starts with nothing there; `whole()` has everything.
struct PlannerFixture {
    var intent: ControlPlaneIntent
    var observation = ControlPlaneObservation()
    var policy = PlanningPolicy()

    static let controllers = ["kube-controller-manager", "kube-scheduler"]
    static let zones = ["z-a", "z-b", "z-c"].map { ZoneName(rawValue: $0) }

    init(zones: [ZoneName] = PlannerFixture.zones, established: Bool = false) throws {
        let network = try ClusterNetwork(pool: try IPv4Block("100.66.0.0/16"), slot: 0)
        let spec = ControlPlaneSpec(
            release: ReleaseID(rawValue: "1.33.4-eks.1"), version: try KubernetesVersion("1.33.4"), zones: zones, network: network)
        intent = ControlPlaneIntent(cluster: try ClusterName("demo"), spec: spec, isDeleting: false, isEstablished: established)
    }

    /// Everything runs as wanted; etcd-z-a leads; api-1 in z-a and api-2 in z-b serve.
    static func whole(zones: [ZoneName] = PlannerFixture.zones) throws -> PlannerFixture {
        var fixture = try PlannerFixture(zones: zones, established: true)
        fixture.addFoundation()
        for (index, zone) in zones.enumerated() { fixture.addMember(zone, healthy: true, leads: index == 0) }
        fixture.addAPIServer(1, zones[0], ready: true)
        fixture.addAPIServer(2, zones[1 % zones.count], ready: true)
        fixture.pointEndpoint()
        fixture.observation.isBootstrapped = true
        return fixture
    }

    var plan: Plan { ControlPlanePlanner(policy: policy).plan(intent, observation) }
    var titles: [String] { plan.actions.map(\.title) }
    var reasons: [String] { plan.waits.map(\.reason) }
    /// What the invariants say of the planner's own plan.
    var ownViolations: [InvariantViolation] { violations(of: plan.actions) }

    func violations(of actions: [Action]) -> [InvariantViolation] { Invariants().violations(of: actions, intent, observation) }

    func instance(_ name: String) -> InstanceID { InstanceID(cluster: intent.cluster, name: name) }
    func volume(_ name: String) -> VolumeID { VolumeID(cluster: intent.cluster, name: name) }

    // MARK: What is there

    mutating func addFoundation() {
        observation.substrate.network = NetworkObservation(network: intent.spec.network, isComplete: true)
        for zone in intent.spec.zones.prefix(3) {
            observation.substrate.volumes.append(VolumeObservation(id: volume("etcd-\(zone)"), zone: zone))
        }
    }

    mutating func addMember(_ zone: ZoneName, healthy: Bool, leads: Bool = false, state: InstanceObservation.State = .running) {
        let index = intent.spec.zones.firstIndex(of: zone) ?? 0
        observation.substrate.instances.append(
            InstanceObservation(
                id: instance("etcd-\(zone)"), role: .etcd, zone: zone, address: intent.spec.network.etcdMember(index),
                volume: volume("etcd-\(zone)"), sizeName: intent.spec.etcdSize.name, release: intent.spec.release,
                configurationRevision: intent.spec.revision(of: .etcd), state: state, components: []))
        if healthy { observation.health.etcdMembers["etcd-\(zone)"] = EtcdMemberHealth(isHealthy: true, isLeader: leads) }
    }

    mutating func addAPIServer(_ number: Int, _ zone: ZoneName, ready: Bool, state: InstanceObservation.State = .running) {
        observation.substrate.instances.append(
            InstanceObservation(
                id: instance("api-\(number)"), role: .apiServer, zone: zone, address: intent.spec.network.apiServers[number - 1],
                volume: nil, sizeName: intent.spec.apiServerSize.name, release: intent.spec.release,
                configurationRevision: intent.spec.revision(of: .apiServer), state: state, components: []))
        if ready { observation.health.apiServers["api-\(number)"] = APIServerHealth(isReady: true) }
    }

    /// The load balancer runs and has every API server; its checks pass for those that are ready.
    mutating func pointEndpoint() {
        let ready = observation.health.apiServers.filter(\.value.isReady).keys
        let backends = observation.substrate.instances.filter { $0.role == .apiServer }.sorted { $0.id < $1.id }.map {
            LoadBalancerObservation.Backend(
                name: $0.id.name, address: $0.address, admission: .ready, isHealthy: ready.contains($0.id.name), openSessions: 0)
        }
        observation.substrate.loadBalancer = LoadBalancerObservation(
            address: intent.spec.network.loadBalancer, state: .running, backends: backends)
    }

    /// etcd's members as the quorum would say.
    mutating func listMembers() {
        observation.membership = intent.spec.zones.prefix(3).indices.map {
            EtcdMembership(address: intent.spec.network.etcdMember($0), isLearner: false, hasStarted: true)
        }
    }

    /// Of an etcd member's place, whether it exists or not.
    func address(of id: InstanceID) -> IPv4Address {
        let index = intent.spec.zones.firstIndex { "etcd-\($0)" == id.name } ?? 0
        return intent.spec.network.etcdMember(index)
    }

    // MARK: What changes

    mutating func change(_ name: String, _ change: (inout InstanceObservation) -> Void) {
        for index in observation.substrate.instances.indices where observation.substrate.instances[index].id.name == name {
            change(&observation.substrate.instances[index])
        }
    }

    mutating func changeBackend(_ name: String, _ change: (inout LoadBalancerObservation.Backend) -> Void) {
        guard var balancer = observation.substrate.loadBalancer else { return }
        for index in balancer.backends.indices where balancer.backends[index].name == name { change(&balancer.backends[index]) }
        observation.substrate.loadBalancer = balancer
    }

    mutating func remove(_ name: String) {
        observation.substrate.instances.removeAll { $0.id.name == name }
        silence(name)
    }

    /// The instance's components answer nobody.
    mutating func silence(_ name: String) {
        observation.health.etcdMembers[name] = nil
        observation.health.apiServers[name] = nil
        changeBackend(name) { $0.isHealthy = false }
    }

    mutating func lead(_ name: String) {
        for key in observation.health.etcdMembers.keys { observation.health.etcdMembers[key]?.isLeader = key == name }
    }

    // MARK: The world does as told, at once

    /// Carries out `actions` as a perfect substrate would, and everybody becomes healthy.
    mutating func carryOut(_ actions: [Action]) {
        for action in actions { carryOut(action) }
        settle()
    }

    mutating func carryOut(_ action: Action) {
        switch action {
        case .ensureNetwork(let spec): observation.substrate.network = NetworkObservation(network: spec.network, isComplete: true)
        case .ensureVolume(let spec): observation.substrate.volumes.append(VolumeObservation(id: spec.id, zone: spec.zone))
        case .startInstance(let intent), .replaceInstance(let intent):
            observation.substrate.instances.removeAll { $0.id == intent.id }
            observation.substrate.instances.append(
                InstanceObservation(
                    id: intent.id, role: intent.role, zone: intent.zone, address: intent.address, volume: intent.volume,
                    sizeName: intent.size.name, release: intent.release, configurationRevision: intent.configurationRevision,
                    state: .running, components: [], isJoining: intent.isJoining))
            for index in (observation.membership ?? []).indices where observation.membership?[index].address == intent.address {
                observation.membership?[index].hasStarted = true
            }
        case .ensureStandby(let intent):
            let server = ComponentObservation(kind: .apiServer, isUp: true, processID: 1, seconds: 1)
            change(intent.id.name) { $0.standby = StandbyServer(release: intent.release, component: server, port: 6444) }
        case .promoteStandby(let intent):
            change(intent.id.name) {
                $0.release = intent.release
                $0.standby = nil
                $0.isHandingOver = true
            }
            observation.trials[intent.id.name] = observation.trials.removeValue(forKey: intent.id.standby.name)
        case .finishHandover(let id): change(id.name) { $0.isHandingOver = false }
        case .removeStandby(let id): change(id.name) { $0.standby = nil }
        case .stopControllers(let id): change(id.name) { $0.hasStoppedControllers = true }
        case .startControllers(let id): change(id.name) { $0.hasStoppedControllers = false }
        case .remakeMember(let intent):
            observation.substrate.volumes.removeAll { $0.id == intent.volume }
            if let volume = intent.volume { observation.substrate.volumes.append(VolumeObservation(id: volume, zone: intent.zone)) }
            carryOut(.startInstance(intent))
        case .finishRecovery: intent.recovery = nil
        case .moveLeader(_, let to): lead(to.name)
        case .removeInstance(let id), .retireInstance(let id): remove(id.name)
        case .removeMember(let id):
            let address = address(of: id)
            observation.membership?.removeAll { $0.address == address }
        case .addMember(_, let address):
            observation.membership?.append(EtcdMembership(address: address, isLearner: true, hasStarted: false))
        case .promoteMember(_, let address):
            for index in (observation.membership ?? []).indices where observation.membership?[index].address == address {
                observation.membership?[index].isLearner = false
            }
        case .ensureFence(_, let addresses): observation.substrate.fenced = addresses
        case .resetClients: break
        case .ensureLoadBalancer(let intent):
            observation.substrate.loadBalancer = LoadBalancerObservation(
                address: intent.network.loadBalancer, state: .running,
                backends: intent.backends.map {
                    .init(name: $0.name, address: $0.address, admission: $0.admission, isHealthy: false, openSessions: 0)
                })
        case .bootstrapKubernetes: observation.isBootstrapped = true
        case .checkInstance(let id, _, _): observation.trials[id.name, default: InstanceTrial()].pass(policy.update)
        case .removeLoadBalancer: observation.substrate.loadBalancer = nil
        case .removeVolume(let id): observation.substrate.volumes.removeAll { $0.id == id }
        case .removeNetwork: observation.substrate.network = nil
        case .prepareRestore: observation.restore?.isPrepared = true
        case .restoreMember(let member, _): observation.restore?.restoredVolumes.insert(member.id.name)
        case .finishRestore, .abandonRestore: (intent.restore, observation.restore) = (nil, nil)
        }
    }

    // MARK: Updates

    /// An update to another release, accepted just now.
    mutating func update(to release: String, etcd: Bool = true, strategy: UpdateIntent.Strategy = .blueGreen) {
        let old = intent.spec
        let settings = ClusterSettings(roleARN: "", subnetIDs: [], creatorARN: "")
        intent.update = UpdateIntent(
            id: "u", strategy: strategy, startedAt: .distantPast, previous: old, previousSettings: settings, changesEtcdStorage: etcd)
        intent.spec.release = ReleaseID(rawValue: release)
        if etcd { intent.spec.etcdRelease = intent.spec.release }
        for name in Self.controllers { observation.leads[name] = ControllerLead(instance: "machine", seconds: 60) }
        for instance in observation.substrate.instances { observation.readySeconds[instance.id.name] = 60 }
    }

    /// What is decided of the update now.
    var verdict: UpdateJudge.Verdict? { UpdateJudge(policy: policy).verdict(intent, observation, plan) }

    /// The update goes back.
    mutating func goBack(keepingEtcd: Bool = false) {
        guard var update = intent.update else { return }
        update.hasMovedEtcd = keepingEtcd
        var spec = ClusterSpec(controlPlane: intent.spec, settings: update.previousSettings)
        spec.update = update
        spec.revert(.init(reason: "bad", errorCode: "Unknown", decidedAt: .distantPast))
        (intent.spec, intent.update) = (spec.controlPlane, spec.update)
    }

    /// The update has ended well, and its release is watched.
    mutating func beginProving() {
        intent.proving = intent.update.map { ProvingIntent(update: $0, until: .distantFuture) }
        intent.update = nil
    }

    /// It was no good after all.
    mutating func takeBack() {
        guard let proving = intent.proving else { return }
        var spec = ClusterSpec(controlPlane: intent.spec, settings: proving.update.previousSettings)
        spec.proving = proving
        spec.takeBack(.init(reason: "bad", errorCode: "Unknown", decidedAt: .distantPast))
        (intent.spec, intent.update, intent.proving) = (spec.controlPlane, spec.update, spec.proving)
    }

    /// As if the time that an update waits for had passed.
    mutating func letTimePass() {
        for instance in observation.substrate.instances { observation.readySeconds[instance.id.name] = 60 }
        for backend in observation.substrate.loadBalancer?.backends ?? [] {
            observation.drainingSeconds[backend.name] = backend.admission == .drain ? 60 : nil
        }
        for name in observation.trials.keys {
            observation.trials[name]?.passingSeconds = 60
            observation.trials[name]?.secondsSinceCheck = 60
        }
    }

    /// Everybody who runs answers; exactly one member leads.
    mutating func settle() {
        let running = observation.substrate.instances.filter { $0.state == .running }
        let leader =
            observation.health.etcdMembers.first { $0.value.isLeader }?.key
            ?? running.first { $0.role == .etcd && !observation.substrate.fenced.contains($0.address) }?.id.name
        observation.health = HealthObservation()
        let fenced = observation.substrate.fenced
        for instance in running where instance.role == .etcd && !fenced.contains(instance.address) {
            observation.health.etcdMembers[instance.id.name] = EtcdMemberHealth(isHealthy: true, isLeader: instance.id.name == leader)
        }
        for instance in running + running.compactMap(\.standbyInstance)
        where instance.role == .apiServer && !fenced.contains(instance.address) {
            observation.health.apiServers[instance.id.name] = APIServerHealth(isReady: true)
            changeBackend(instance.id.name) { $0.isHealthy = true }
        }
        // They are asked when somebody is missing. Whose volume is gone may be a member or not: that is for each test to say.
        let isWhole = observation.substrate.volumes.count { $0.isUsable } >= intent.spec.zones.count
        if observation.membership == nil, isWhole, observation.needsMembership(intent), observation.hasEtcdQuorum(intent) { listMembers() }
    }

    /// Plans and acts until nothing is left to do. Every plan is held against the invariants.
    /// - Returns: the titles of each round.
    mutating func run(rounds: Int = 40) throws -> [[String]] {
        var done: [[String]] = []
        settle()
        for _ in 0..<rounds {
            let plan = plan
            let violations = violations(of: plan.actions)
            if let first = violations.first { throw first }
            if plan.actions.isEmpty { return done }
            done.append(plan.actions.map(\.title))
            carryOut(plan.actions)
        }
        return done
    }
}

extension InstanceTrial {
    /// The check was done and has passed.
    mutating func pass(_ policy: UpdatePolicy) {
        passes += 1
        secondsSinceCheck = 0
        failure = nil
        failingSeconds = 0
    }
}
