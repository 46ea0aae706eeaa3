import FleetModel
import Substrate

/// Everything on the simulated substrate: clusters, zones, and the rules that the real ones enforce too. Pure.
struct SimulatedRegion: Sendable {
    var clusters: [ClusterName: SimulatedCluster] = [:]
    /// Who has which block of addresses.
    private var blocks: [UInt32: ClusterName] = [:]
    var dark: Set<ZoneName> = []
    var faults: [Fault] = []
    var timings = SimulatedTimings()
    var releases: [ReleaseID: SimulatedRelease] = [:]
    private var lastOperation = 0
    private var lastProcess: Int32 = 1000

    mutating func nextOperation() -> Int {
        lastOperation += 1
        return lastOperation
    }

    private mutating func nextProcess() -> Int32 {
        lastProcess += 1
        return lastProcess
    }

    func around(_ now: Duration) -> SimulatedCluster.Surroundings { .init(now: now, timings: timings, dark: dark, faults: faults) }

    /// Runs `body` on a cluster, brought up to date before and after; forgets it when nothing is left.
    mutating func change<T>(_ name: ClusterName, _ now: Duration, _ body: (inout SimulatedCluster) throws -> T) rethrows -> T {
        var cluster = clusters.removeValue(forKey: name) ?? SimulatedCluster()
        cluster.settle(around(now))
        defer {
            cluster.settle(around(now))
            if !cluster.isEmpty || !cluster.broken.isEmpty { clusters[name] = cluster }
        }
        return try body(&cluster)
    }

    private func requireLight(_ zone: ZoneName) throws {
        if dark.contains(zone) { throw SubstrateError(.unavailable, "zone \(zone) does not answer") }
    }

    // MARK: Network and volumes

    mutating func beginNetwork(_ spec: NetworkSpec, _ now: Duration) throws {
        let base = spec.network.block.base.bits
        if let holder = blocks[base], holder != spec.cluster {
            throw SubstrateError(.conflict, "the block \(spec.network.block) belongs to cluster \(holder)")
        }
        blocks[base] = spec.cluster
        change(spec.cluster, now) {
            if $0.network?.network != spec.network { $0.network = NetworkObservation(network: spec.network, isComplete: false) }
        }
    }

    mutating func endNetwork(_ spec: NetworkSpec, _ now: Duration) throws {
        try change(spec.cluster, now) {
            guard $0.network?.network == spec.network else { throw SubstrateError(.failed, "the network went away meanwhile") }
            $0.network?.isComplete = true
        }
    }

    mutating func beginRemovingNetwork(_ name: ClusterName, _ now: Duration) {
        if clusters[name]?.network != nil { change(name, now) { $0.network?.isComplete = false } }
    }

    mutating func endRemovingNetwork(_ name: ClusterName, _ now: Duration) {
        guard let network = clusters[name]?.network?.network else { return }
        blocks[network.block.base.bits] = nil
        // A cluster takes its faults with it.
        faults.removeAll { $0.cluster == name }
        change(name, now) {
            $0.network = nil
            $0.fenced = []
        }
    }

    mutating func ensureVolume(_ spec: VolumeSpec, _ now: Duration) throws {
        try requireLight(spec.zone)
        try change(spec.id.cluster, now) { cluster in
            guard let old = cluster.volumes.first(where: { $0.id == spec.id }) else {
                return cluster.addVolume(SimulatedVolume(id: spec.id, zone: spec.zone))
            }
            guard old.zone == spec.zone else { throw SubstrateError(.conflict, "volume \(spec.id) is in zone \(old.zone)") }
        }
    }

    mutating func removeVolume(_ id: VolumeID, _ now: Duration) throws {
        guard let volume = clusters[id.cluster]?.volumes.first(where: { $0.id == id }) else { return }
        try requireLight(volume.zone)
        try change(id.cluster, now) { cluster in
            if let holder = cluster.instances.first(where: { $0.volume == id }) {
                throw SubstrateError(.conflict, "volume \(id) is held by \(holder.id.name)")
            }
            cluster.volumes.removeAll { $0.id == id }
        }
    }

    // MARK: Instances

    /// - Returns: false when the instance runs as wanted and nothing is to be done.
    mutating func beginInstance(_ spec: InstanceSpec, operation: Int, _ now: Duration) throws -> Bool {
        try requireLight(spec.zone)
        try requirePower(spec)
        let release = releases[spec.release]
        if release?.flaw == .cannotBeMade, clusters[spec.id.cluster]?.isAsWanted(spec) != true {
            throw SubstrateError(.invalidArtifact, "a program of release \(spec.release) has another SHA-256")
        }
        return try change(spec.id.cluster, now) { cluster in
            guard cluster.network?.isComplete == true, cluster.network?.network == spec.network else {
                throw SubstrateError(.failed, "the cluster's network is not there")
            }
            if let holder = cluster.instances.first(where: { $0.address == spec.address && $0.id != spec.id }) {
                throw SubstrateError(.conflict, "address \(spec.address) is held by \(holder.id.name)")
            }
            if let volume = spec.volume {
                if let holder = cluster.instances.first(where: { $0.volume == volume && $0.id != spec.id }) {
                    throw SubstrateError(.conflict, "volume \(volume) is held by \(holder.id.name)")
                }
                guard let found = cluster.volumes.first(where: { $0.id == volume }), found.isUsable, found.zone == spec.zone else {
                    throw SubstrateError(.failed, "volume \(volume) cannot be used in zone \(spec.zone)")
                }
            }
            if spec.role == .etcd { cluster.place(spec.id.name, at: spec.address) }
            var made = SimulatedInstance(spec, operation: operation)
            made.flaw = release?.flaw
            made.etcdMinor = release?.etcdMinor ?? 0
            guard let index = cluster.instances.firstIndex(where: { $0.id == spec.id }) else {
                cluster.instances.append(made)
                return true
            }
            let old = cluster.instances[index]
            guard old.address == spec.address, old.volume == spec.volume, old.zone == spec.zone, old.role == spec.role else {
                throw SubstrateError(.conflict, "instance \(spec.id) exists with another address, volume or zone")
            }
            if old.state == .running, old.isHandingOver {
                cluster.instances[index].endHandover(now, process: 0)
                return false
            }
            if old.state == .running, old.isAsWanted(spec) { return false }
            cluster.instances[index] = made
            return true
        }
    }

    mutating func ensureStandby(_ spec: InstanceSpec, _ now: Duration) throws {
        try requireLight(spec.zone)
        try requirePower(spec)
        let release = releases[spec.release]
        if release?.flaw == .cannotBeMade {
            throw SubstrateError(.invalidArtifact, "a program of release \(spec.release) has another SHA-256")
        }
        let process = nextProcess()
        try change(spec.id.cluster, now) { cluster in
            guard let index = cluster.instances.firstIndex(where: { $0.id == spec.id && $0.state == .running }),
                cluster.instances[index].takes(spec), !cluster.instances[index].isHandingOver
            else { throw SubstrateError(.invalid, "\(spec.id) does not run, or differs in more than its release") }
            guard cluster.instances[index].standby?.release != spec.release else { return }
            cluster.instances[index].standby = SimulatedStandby(
                release: spec.release, component: SimulatedComponent(kind: .apiServer, startsAt: now, processID: process),
                flaw: release?.flaw)
        }
    }

    mutating func beginHandover(_ spec: InstanceSpec, _ now: Duration) throws {
        try requireLight(spec.zone)
        try requirePower(spec)
        try change(spec.id.cluster, now) { cluster in
            guard let index = cluster.instances.firstIndex(where: { $0.id == spec.id && $0.state == .running }) else {
                throw SubstrateError(.failed, "\(spec.id) does not run")
            }
            let instance = cluster.instances[index]
            if instance.isAsWanted(spec) { return }
            guard !instance.isHandingOver, let standby = instance.standby, instance.takes(spec), standby.release == spec.release,
                standby.component.startsAt <= now
            else {
                throw SubstrateError(.failed, "no standby of release \(spec.release) runs on \(spec.id)")
            }
            cluster.instances[index].takeOver(standby)
        }
    }

    mutating func endHandover(_ id: InstanceID, _ now: Duration) {
        guard clusters[id.cluster] != nil else { return }
        let process = nextProcess()
        change(id.cluster, now) { cluster in
            for index in cluster.instances.indices where cluster.instances[index].id == id && cluster.instances[index].isHandingOver {
                cluster.instances[index].endHandover(now, process: process)
            }
        }
    }

    mutating func setControllers(of id: InstanceID, areStopped: Bool, _ now: Duration) throws {
        guard let instance = clusters[id.cluster]?.instances.first(where: { $0.id == id && $0.state == .running }) else {
            throw SubstrateError(.unavailable, "\(id) does not run")
        }
        try requireLight(instance.zone)
        let process = nextProcess()
        change(id.cluster, now) { cluster in
            for index in cluster.instances.indices where cluster.instances[index].id == id {
                cluster.instances[index].setControllers(areStopped: areStopped, now, process: process)
            }
        }
    }

    mutating func removeStandby(of id: InstanceID, _ now: Duration) throws {
        guard let instance = clusters[id.cluster]?.instances.first(where: { $0.id == id }) else { return }
        try requireLight(instance.zone)
        change(id.cluster, now) { cluster in
            for index in cluster.instances.indices where cluster.instances[index].id == id { cluster.instances[index].standby = nil }
        }
    }

    mutating func endInstance(_ spec: InstanceSpec, operation: Int, _ now: Duration) throws {
        try requireLight(spec.zone)
        try requirePower(spec)
        let components = spec.components.map { SimulatedComponent(kind: $0.kind, startsAt: now, processID: nextProcess()) }
        try change(spec.id.cluster, now) { cluster in
            guard let index = cluster.instances.firstIndex(where: { $0.id == spec.id && $0.operation == operation }) else {
                throw SubstrateError(.unavailable, "somebody else works on \(spec.id)")
            }
            cluster.instances[index].state = .running
            cluster.instances[index].components = components
            cluster.noteStart(of: cluster.instances[index])
        }
    }

    mutating func beginRemoving(_ id: InstanceID, operation: Int, _ now: Duration) throws {
        guard let instance = clusters[id.cluster]?.instances.first(where: { $0.id == id }) else { return }
        try requireLight(instance.zone)
        change(id.cluster, now) { cluster in
            for index in cluster.instances.indices where cluster.instances[index].id == id {
                cluster.instances[index].state = .incomplete
                cluster.instances[index].operation = operation
            }
        }
    }

    mutating func endRemoving(_ id: InstanceID, operation: Int, _ now: Duration) throws {
        guard let instance = clusters[id.cluster]?.instances.first(where: { $0.id == id }) else { return }
        try requireLight(instance.zone)
        guard instance.operation == operation else { throw SubstrateError(.unavailable, "somebody else works on \(id)") }
        change(id.cluster, now) { $0.instances.removeAll { $0.id == id } }
    }

    mutating func ensureFence(_ addresses: Set<IPv4Address>, of name: ClusterName, _ now: Duration) {
        guard clusters[name] != nil else { return }
        change(name, now) { $0.fenced = addresses }
    }

    // MARK: Load balancer

    mutating func ensureBalancer(_ spec: LoadBalancerSpec, _ now: Duration) throws {
        try change(spec.cluster, now) { cluster in
            guard cluster.network?.isComplete == true else { throw SubstrateError(.failed, "the cluster's network is not there") }
            var balancer = cluster.balancer ?? SimulatedBalancer(address: spec.address, startsAt: now, backends: [])
            balancer.access = spec.access
            balancer.trustRevision = spec.trustRevision
            balancer.backends = spec.backends.map { wanted in
                let old = balancer.backends.first { $0.name == wanted.name && $0.address == wanted.address }
                let since = old.flatMap { $0.admission == wanted.admission ? $0.since : nil } ?? now
                return .init(name: wanted.name, address: wanted.address, admission: wanted.admission, since: since)
            }
            cluster.balancer = balancer
        }
    }

    // MARK: Faults

    mutating func crash(_ cluster: ClusterName, _ instance: String, _ kind: ComponentKind?, _ now: Duration) {
        let restart = now + timings.restart
        let process = nextProcess()
        guard clusters[cluster] != nil else { return }
        change(cluster, now) { cluster in
            for index in cluster.instances.indices where cluster.instances[index].id.name == instance {
                for part in cluster.instances[index].components.indices {
                    guard kind == nil || cluster.instances[index].components[part].kind == kind else { continue }
                    cluster.instances[index].components[part].startsAt = restart
                    cluster.instances[index].components[part].processID = process
                }
            }
        }
    }

    /// An instance whose components run and never become ready, until it is made anew.
    mutating func wedge(_ id: InstanceID, _ now: Duration) {
        guard clusters[id.cluster] != nil else { return }
        change(id.cluster, now) { cluster in
            for index in cluster.instances.indices where cluster.instances[index].id == id { cluster.instances[index].isWedged = true }
        }
    }

    mutating func crashBalancer(_ cluster: ClusterName, _ now: Duration) {
        guard clusters[cluster]?.balancer != nil else { return }
        let restart = now + timings.restart
        change(cluster, now) { $0.balancer?.startsAt = restart }
    }

    /// Power loss: what ran is stopped until somebody starts it.
    mutating func stop(_ now: Duration, where isHit: (SimulatedInstance) -> Bool) {
        for name in clusters.keys.sorted() {
            change(name, now) { cluster in
                for index in cluster.instances.indices where cluster.instances[index].state == .running && isHit(cluster.instances[index]) {
                    cluster.instances[index].state = .stopped
                }
            }
        }
    }

    mutating func settleAll(_ now: Duration) { for name in clusters.keys.sorted() { change(name, now) { _ in } } }
}
