import FleetModel
import Substrate

/// The words in which the conformance cases are written.
struct SubstrateCheck: Sendable {
    let surroundings: SubstrateConformance.Surroundings
    var substrate: any Substrate { surroundings.substrate }
    var cluster: ClusterName { surroundings.clusters[0].name }
    var network: ClusterNetwork { surroundings.clusters[0].network }

    init(_ surroundings: SubstrateConformance.Surroundings) { self.surroundings = surroundings }

    func require(_ condition: Bool, _ message: String) throws {
        if !condition { throw SubstrateConformanceFailure(message) }
    }

    /// Looks until the answer is there.
    func eventually<Value>(_ what: String, _ look: () async throws -> Value?) async throws -> Value {
        for _ in 0..<3000 {
            if let value = try await look() { return value }
            try await surroundings.pause()
        }
        throw SubstrateConformanceFailure("never happened: \(what)")
    }

    func refused(_ code: SubstrateError.Code, _ what: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as SubstrateError {
            return try require(error.code == code, "\(what): refused with another code: \(error)")
        }
        throw SubstrateConformanceFailure("not refused: \(what)")
    }

    func makeNetwork(_ index: Int = 0) async throws {
        let cluster = surroundings.clusters[index]
        try await substrate.ensureNetwork(NetworkSpec(cluster: cluster.name, network: cluster.network))
    }

    func etcd(_ index: Int, cluster number: Int = 0) -> InstanceSpec {
        let cluster = surroundings.clusters[number]
        let name = "etcd-\(index)"
        return InstanceSpec(
            id: InstanceID(cluster: cluster.name, name: name), role: .etcd, zone: zone(index),
            size: InstanceSize(name: "small", memoryMiB: 256, milliCPU: 100), network: cluster.network,
            address: cluster.network.etcdMember(index), volume: VolumeID(cluster: cluster.name, name: name),
            release: ReleaseID(rawValue: "1"), configurationRevision: 1, components: [surroundings.component(.etcd)],
            files: [InstanceFile(path: "pki/a.crt", content: "one")])
    }

    func apiServer(_ index: Int, cluster number: Int = 0) -> InstanceSpec {
        let cluster = surroundings.clusters[number]
        var server = surroundings.component(.apiServer)
        server.listening = ComponentSpec.Listening(addressFlag: "--bind-address", port: 6443)
        return InstanceSpec(
            id: InstanceID(cluster: cluster.name, name: "api-\(index)"), role: .apiServer, zone: zone(index),
            size: InstanceSize(name: "small", memoryMiB: 256, milliCPU: 100), network: cluster.network,
            address: cluster.network.apiServers[index], volume: nil, release: ReleaseID(rawValue: "1"), configurationRevision: 1,
            components: [server, surroundings.component(.scheduler), surroundings.component(.authenticator)], files: [])
    }

    func zone(_ index: Int) -> ZoneName { ZoneName(rawValue: "zone-\(index)") }

    func makeVolume(of spec: InstanceSpec) async throws {
        if let volume = spec.volume { try await substrate.ensureVolume(VolumeSpec(id: volume, zone: spec.zone)) }
    }

    func make(_ spec: InstanceSpec) async throws {
        try await makeVolume(of: spec)
        try await substrate.ensureInstance(spec)
    }

    func instance(_ id: InstanceID) async throws -> InstanceObservation? {
        try await substrate.observe(id.cluster).instances.first { $0.id == id }
    }

    /// The instance once all of its components are up.
    func running(_ spec: InstanceSpec) async throws -> InstanceObservation {
        try await eventually("\(spec.id) runs with all components up") {
            guard let seen = try await instance(spec.id), seen.state == .running, seen.components.count == spec.components.count,
                seen.components.allSatisfy({ $0.isUp })
            else { return nil }
            return seen
        }
    }

    /// What tells one run of a process from the next.
    func processes(_ seen: InstanceObservation) -> [ComponentKind: Int32?] {
        Dictionary(seen.components.map { ($0.kind, $0.processID) }, uniquingKeysWith: { first, _ in first })
    }

    func removeAll(_ cluster: ClusterName) async throws {
        try await substrate.removeLoadBalancer(of: cluster)
        let seen = try await substrate.observe(cluster)
        for instance in seen.instances { try await substrate.removeInstance(instance.id) }
        for volume in seen.volumes { try await substrate.removeVolume(volume.id) }
        try await substrate.removeNetwork(of: cluster)
        let left = try await substrate.observe(cluster)
        try require(left.isEmpty, "something of \(cluster) is left: \(left)")
        let listed = try await substrate.clusters()
        try require(!listed.contains(cluster), "\(cluster) is still listed")
    }
}
