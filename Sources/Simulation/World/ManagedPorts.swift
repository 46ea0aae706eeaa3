import Fleet
import FleetModel
import Planning
import SimulatedSubstrate
import Substrate
import Timing

/// The substrate, the probe and the running control planes as one manager reaches them.
struct ManagedSubstrate: Substrate, HealthProbe, ControlPlaneOperations {
    let base: SimulatedSubstrate
    let life: ManagerLife
    /// What this manager holds to be out of service.
    var board: ServiceStateBoard?

    private func change<T>(_ body: () async throws -> T) async throws -> T {
        try await life.enter(canPause: false)
        let result = try await body()
        try life.check()
        return result
    }

    private func look<T>(_ body: () async throws -> T) async throws -> T {
        try await life.enter()
        let result = try await body()
        try await life.waitForResume()
        try life.check()
        return result
    }

    func prepare() async throws { try await change { try await base.prepare() } }
    func clusters() async throws -> [ClusterName] { try await look { try await base.clusters() } }

    func observe(_ cluster: ClusterName) async throws -> SubstrateObservation {
        try await look {
            life.observes(cluster.rawValue)
            return try await base.observe(cluster)
        }
    }

    func ensureNetwork(_ spec: NetworkSpec) async throws { try await change { try await base.ensureNetwork(spec) } }
    func removeNetwork(of cluster: ClusterName) async throws { try await change { try await base.removeNetwork(of: cluster) } }
    func ensureVolume(_ spec: VolumeSpec) async throws { try await change { try await base.ensureVolume(spec) } }
    func removeVolume(_ id: VolumeID) async throws { try await change { try await base.removeVolume(id) } }
    func ensureInstance(_ spec: InstanceSpec) async throws { try await change { try await base.ensureInstance(spec) } }
    func removeInstance(_ id: InstanceID, gracefully: Bool) async throws {
        try await change { try await base.removeInstance(id, gracefully: gracefully) }
    }
    func ensureStandby(_ spec: InstanceSpec) async throws { try await change { try await base.ensureStandby(spec) } }
    func promoteStandby(_ spec: InstanceSpec) async throws { try await change { try await base.promoteStandby(spec) } }
    func finishHandover(of id: InstanceID) async throws { try await change { try await base.finishHandover(of: id) } }
    func exchangeControllers(of id: InstanceID) async throws -> [ComponentKind] {
        try await change { try await base.exchangeControllers(of: id) }
    }
    func stopControllers(of id: InstanceID) async throws { try await change { try await base.stopControllers(of: id) } }
    func startControllers(of id: InstanceID) async throws { try await change { try await base.startControllers(of: id) } }
    func removeStandby(of id: InstanceID) async throws { try await change { try await base.removeStandby(of: id) } }
    func writeFiles(_ files: [InstanceFile], to id: InstanceID) async throws {
        try await change { try await base.writeFiles(files, to: id) }
    }
    func ensureFence(_ addresses: Set<IPv4Address>, of cluster: ClusterName) async throws {
        try await change { try await base.ensureFence(addresses, of: cluster) }
    }
    func resetClients(of addresses: Set<IPv4Address>, in cluster: ClusterName) async throws {
        try await change { try await base.resetClients(of: addresses, in: cluster) }
    }
    func ensureLoadBalancer(_ spec: LoadBalancerSpec) async throws { try await change { try await base.ensureLoadBalancer(spec) } }
    func removeLoadBalancer(of cluster: ClusterName) async throws { try await change { try await base.removeLoadBalancer(of: cluster) } }
    func paths(of id: InstanceID, volume: VolumeID?) -> InstancePaths { base.paths(of: id, volume: volume) }

    func probe(_ target: ProbeTarget) async -> HealthObservation {
        if let view = board?.view(of: target.cluster.name) {
            life.plans(target.cluster.name, with: .init(zones: view.evacuatedZones, isolated: view.isolated, impaired: view.impairedZones))
        }
        var health = (try? await look { await base.probe(target) }) ?? HealthObservation()
        let unseen = life.unseenZones
        guard !unseen.isEmpty else { return health }
        for instance in base.trueState(of: target.cluster.name).substrate.instances where unseen.contains(instance.zone) {
            health.etcdMembers[instance.id.name] = nil
            health.apiServers[instance.id.name] = nil
        }
        return health
    }

    func moveLeader(of cluster: Cluster, from: InstanceID, to: InstanceID) async throws {
        try await change { try await SimulatedOperations(base).moveLeader(of: cluster, from: from, to: to) }
    }

    func membership(of cluster: Cluster, asking members: [InstanceID]) async throws -> [EtcdMembership] {
        try await look { try await SimulatedOperations(base).membership(of: cluster, asking: members) }
    }

    func leads(of cluster: Cluster) async throws -> [String: ControllerLead] {
        try await look { try await SimulatedOperations(base).leads(of: cluster) }
    }

    func handingLeadsOver(
        of id: InstanceID, in cluster: Cluster, _ end: @Sendable () async throws -> [ComponentKind]
    ) async throws { _ = try await end() }

    func removeMember(_ id: InstanceID, of cluster: Cluster) async throws {
        try await change { try await SimulatedOperations(base).removeMember(id, of: cluster) }
    }

    func addMember(_ id: InstanceID, _ address: IPv4Address, of cluster: Cluster) async throws {
        try await change { try await SimulatedOperations(base).addMember(id, address, of: cluster) }
    }

    func promoteMember(_ id: InstanceID, _ address: IPv4Address, of cluster: Cluster) async throws {
        try await change { try await SimulatedOperations(base).promoteMember(id, address, of: cluster) }
    }

    func keepWatch(_ address: ServerAddress, of cluster: Cluster) async {}

    func check(_ server: ServerAddress, of cluster: Cluster) async throws -> CheckOutcome {
        try await look { try await SimulatedOperations(base).check(server, of: cluster) }
    }

    func bootstrap(_ cluster: Cluster) async throws -> Bool {
        try await change { try await SimulatedOperations(base).bootstrap(cluster) }
    }
}

/// What the control planes of a simulated substrate answer.
public struct SimulatedOperations: ControlPlaneOperations {
    private let substrate: SimulatedSubstrate

    public init(_ substrate: SimulatedSubstrate) { self.substrate = substrate }

    public func moveLeader(of cluster: Cluster, from: InstanceID, to: InstanceID) async throws {
        try substrate.moveLeader(of: cluster.name, to: to.name)
    }

    public func membership(of cluster: Cluster, asking members: [InstanceID]) async throws -> [EtcdMembership] {
        let health = substrate.trueState(of: cluster.name).health.etcdMembers
        guard members.contains(where: { health[$0.name]?.isHealthy == true }) else {
            throw SubstrateError(.unavailable, "no member answers")
        }
        return substrate.members(of: cluster.name).compactMap { member in
            member.address.map { EtcdMembership(address: $0, isLearner: member.isLearner, hasStarted: member.hasStarted) }
        }
    }

    public func leads(of cluster: Cluster) async throws -> [String: ControllerLead] {
        substrate.leads(of: cluster.name).mapValues { ControllerLead(instance: $0.instance, seconds: $0.seconds) }
    }

    public func handingLeadsOver(
        of id: InstanceID, in cluster: Cluster, _ end: @Sendable () async throws -> [ComponentKind]
    ) async throws { _ = try await end() }

    public func removeMember(_ id: InstanceID, of cluster: Cluster) async throws {
        try substrate.change(.remove(id.name), of: cluster.name)
    }

    public func addMember(_ id: InstanceID, _ address: IPv4Address, of cluster: Cluster) async throws {
        try substrate.change(.add(id.name, address), of: cluster.name)
    }

    public func promoteMember(_ id: InstanceID, _ address: IPv4Address, of cluster: Cluster) async throws {
        try substrate.change(.promote(id.name), of: cluster.name)
    }

    public func keepWatch(_ address: ServerAddress, of cluster: Cluster) async {}

    public func check(_ server: ServerAddress, of cluster: Cluster) async throws -> CheckOutcome {
        do {
            return CheckOutcome(
                slowest: "create", seconds: try substrate.useAPIServer(at: server.address, isStandby: server.port != nil, of: cluster.name))
        } catch let error as SubstrateError {
            return CheckOutcome(failures: [error.code == .unavailable ? .silence(error.message) : .init(error.message)])
        }
    }

    public func bootstrap(_ cluster: Cluster) async throws -> Bool {
        guard substrate.trueState(of: cluster.name).health.apiServers.values.contains(where: \.isReady) else {
            throw SubstrateError(.unavailable, "no API server answers")
        }
        return true
    }
}

/// Specs without content: the simulated substrate runs nothing.
public struct SimulatedRendering: InstanceRendering {
    public init() {}

    public func instance(_ intent: InstanceIntent, of cluster: Cluster) async throws -> InstanceSpec {
        let kinds: [ComponentKind] = intent.role == .etcd ? [.etcd] : [.apiServer, .controllerManager, .scheduler, .authenticator]
        return InstanceSpec(
            id: intent.id, role: intent.role, zone: intent.zone, size: intent.size, network: intent.network, address: intent.address,
            volume: intent.volume, release: intent.release, configurationRevision: intent.configurationRevision,
            components: kinds.map {
                ComponentSpec(kind: $0, artifact: Artifact(name: $0.rawValue, sha256: "", size: 0), arguments: [])
            }, files: [], isJoining: intent.isJoining)
    }

    public func loadBalancer(_ intent: LoadBalancerIntent, of cluster: Cluster) async throws -> LoadBalancerSpec {
        LoadBalancerSpec(
            cluster: intent.cluster, network: intent.network, address: intent.network.loadBalancer, backends: intent.backends,
            certificateAuthority: "", trustRevision: intent.trustRevision, access: intent.access)
    }

    public func certificateAuthority(of cluster: Cluster) async throws -> String { "simulated" }
}

/// What the simulated load balancers' own checks say, as one manager hears it.
struct ManagedBackends: BackendChecking {
    let base: SimulatedSubstrate
    let life: ManagerLife

    func backendChecks(of cluster: ClusterName) async -> [String: BackendCheck] {
        guard (try? await life.waitForResume()) != nil, !life.isDead else { return [:] }
        guard let balancer = base.trueState(of: cluster).substrate.loadBalancer, balancer.state == .running else { return [:] }
        return Dictionary(balancer.backends.map { ($0.name, $0.isHealthy ? .passing : .failing) }, uniquingKeysWith: { $1 })
    }
}
