import FleetModel
import Planning
import Substrate
import Synchronization
import Timing

/// For how long something has been seen without a break. Lost with the process, which only postpones what waits for it.
final class ObservedDurations: Sendable {
    private struct Key: Hashable {
        enum Kind { case unready, unsealing, ready, unavailable, draining, led, updating, leaderless }
        var cluster: ClusterName
        var kind: Kind
        var name: String
    }

    /// Longer than a settled cluster is left alone.
    private static let recently = Duration.seconds(15)

    /// Time in which nobody looked counts for this much at most; what was ready then may have ended meanwhile, and is ready anew.
    static let gap = Duration.seconds(5)

    private let time: TimeSource
    private let since = Mutex<[ClusterName: [Key: Duration]]>([:])
    /// When each cluster was last looked at.
    private let looks = Mutex<[ClusterName: Duration]>([:])

    private let policy: UpdatePolicy

    init(policy: UpdatePolicy, time: TimeSource) {
        self.policy = policy
        self.time = time
    }

    /// Fills in the observation's durations, for which it has to have who leads.
    func note(_ observation: inout ControlPlaneObservation, of resource: Cluster) {
        let cluster = resource.name
        let health = observation.health
        var keys: Set<Key> = []
        // Where a zone is out of service, its instances have no time to be ready in.
        var excused: Set<Key> = []
        for instance in observation.substrate.instancesAndStandbys where instance.role != .loadBalancer {
            let name = instance.id.name
            let isReady = instance.role == .etcd ? health.etcdMembers[name]?.isHealthy == true : health.apiServers[name]?.isReady == true
            if instance.state != .running || !isReady {
                let key = Key(cluster: cluster, kind: .unready, name: name)
                keys.insert(key)
                if observation.unavailableZones.contains(instance.zone) { excused.insert(key) }
            } else if resource.spec.isUpdating {
                keys.insert(Self.readiness(instance))
            }
        }
        for instance in observation.substrate.instances where instance.role == .apiServer && instance.state == .running {
            guard !observation.isSealing(instance) else { continue }
            keys.insert(Key(cluster: cluster, kind: .unsealing, name: instance.id.name))
        }
        for zone in observation.unavailableZones { keys.insert(Key(cluster: cluster, kind: .unavailable, name: zone.rawValue)) }
        for backend in observation.substrate.loadBalancer?.backends ?? [] where backend.admission == .drain {
            keys.insert(Key(cluster: cluster, kind: .draining, name: backend.name))
        }
        if let update = resource.spec.update, observation.unavailableZones.isEmpty, observation.impairedZones.isEmpty {
            let intent = ControlPlaneIntent(resource)
            if observation.isolatedInstances.isEmpty, observation.hasEtcdQuorum(intent),
                observation.leaderlessController(intent, policy) != nil
            {
                keys.insert(Key(cluster: cluster, kind: .leaderless, name: update.id))
            }
            // Each phase of a rotation has its own time.
            let phase = resource.spec.rotation?.phase.rawValue ?? ""
            keys.insert(Key(cluster: cluster, kind: .updating, name: "\(update.id) \(update.reversal != nil) \(phase)"))
        }
        let now = time.uptime
        let leaders = health.etcdMembers.filter(\.value.isLeader).map { Key(cluster: cluster, kind: .led, name: $0.key) }
        var hasNewLeader = false
        let unseen = looks.withLock { looks in
            let last = looks.updateValue(now, forKey: cluster) ?? now
            return max(.zero, now - last - Self.gap)
        }
        let begun = since.withLock { since in
            var old = since[cluster] ?? [:]
            hasNewLeader = leaders.contains { old[$0] == nil }
            if unseen > .zero {
                old = old.filter { $0.key.kind != .ready }
                for (key, start) in old where [.unready, .unsealing, .draining, .updating, .leaderless].contains(key.kind) {
                    old[key] = start + unseen
                }
            }
            var new = Dictionary(uniqueKeysWithValues: keys.map { ($0, excused.contains($0) ? now : old[$0] ?? now) })
            // Here it is the last time that counts, and not the first.
            for (key, last) in old where key.kind == .led && now - last < Self.recently { new[key] = last }
            for leader in leaders { new[leader] = now }
            since[cluster] = new.isEmpty ? nil : new
            return new
        }
        observation.hasNewLeader = hasNewLeader
        for instance in observation.substrate.instancesAndStandbys {
            if let start = begun[Self.readiness(instance)] { observation.readySeconds[instance.id.name] = (now - start).seconds }
        }
        for (key, start) in begun {
            let seconds = (now - start).seconds
            switch key.kind {
            case .ready: break
            case .updating: observation.updateSeconds = seconds
            case .leaderless: observation.leaderlessSeconds = seconds
            case .unsealing: observation.unsealingSeconds[key.name] = seconds
            case .unready: observation.unreadySeconds[key.name] = seconds
            case .unavailable: observation.unavailableSeconds[ZoneName(rawValue: key.name)] = seconds
            case .led: observation.recentLeaders.insert(key.name)
            case .draining: observation.drainingSeconds[key.name] = seconds
            }
        }
    }

    /// Of what it is made of now; a standby that takes over has been ready since before.
    private static func readiness(_ instance: InstanceObservation) -> Key {
        Key(
            cluster: instance.id.cluster, kind: .ready,
            name: "\(instance.id.holder.name) \(instance.release) \(instance.configurationRevision)")
    }

    func forget(_ cluster: ClusterName) {
        since.withLock { $0[cluster] = nil }
        looks.withLock { $0[cluster] = nil }
    }
}
