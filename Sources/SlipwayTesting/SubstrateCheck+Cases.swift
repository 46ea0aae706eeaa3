import FleetModel
import Substrate

extension SubstrateCheck {
    func nothingIsThereAtFirst() async throws {
        try require(try await substrate.observe(cluster).isEmpty, "an unknown cluster has things")
        try require(!(try await substrate.clusters().contains(cluster)), "an unknown cluster is listed")
    }

    func networkIsMadeOnceAndRemoved() async throws {
        for _ in 0..<2 {
            try await makeNetwork()
            let seen = try await substrate.observe(cluster).network
            try require(seen == NetworkObservation(network: network, isComplete: true), "the network is not as asked: \(seen as Any)")
        }
        try await substrate.removeNetwork(of: cluster)
        try require(try await substrate.observe(cluster).network == nil, "the network is still there")
    }

    func halfMadeClusterIsListed() async throws {
        try await makeNetwork()
        try require(try await substrate.clusters().contains(cluster), "a cluster that only has a network is not listed")
        try await makeVolume(of: etcd(0))
        try await substrate.removeNetwork(of: cluster)
        try require(try await substrate.clusters().contains(cluster), "a cluster that only has a volume is not listed")
    }

    func volumeOutlivesInstances() async throws {
        try await makeNetwork()
        let spec = etcd(0)
        try await make(spec)
        _ = try await running(spec)
        try await substrate.removeInstance(spec.id)
        let seen = try await substrate.observe(cluster)
        try require(seen.instances.isEmpty, "the instance is still there")
        try require(seen.volumes.map(\.id) == [spec.volume], "the volume went with its instance")
        try require(seen.volumes.allSatisfy { $0.isUsable && $0.zone == spec.zone }, "the volume is not as it was")
        try await substrate.ensureInstance(spec)
        _ = try await running(spec)
    }

    func volumeStaysInItsZone() async throws {
        try await makeNetwork()
        let id = VolumeID(cluster: cluster, name: "etcd-0")
        for _ in 0..<2 { try await substrate.ensureVolume(VolumeSpec(id: id, zone: zone(0))) }
        try await refused(.conflict, "a volume in another zone") { try await substrate.ensureVolume(VolumeSpec(id: id, zone: zone(1))) }
        let seen = try await substrate.observe(cluster).volumes
        try require(seen == [VolumeObservation(id: id, zone: zone(0))], "the volume is not as asked: \(seen)")
    }

    func instanceRunsAndIsNotRestarted() async throws {
        try await makeNetwork()
        let spec = apiServer(0)
        try await make(spec)
        let first = try await running(spec)
        try require(first.address == spec.address && first.zone == spec.zone && first.role == spec.role, "not as asked: \(first)")
        try require(first.release == spec.release && first.sizeName == spec.size.name, "not as asked: \(first)")
        var rendered = spec
        rendered.components[0].arguments.append("another-way-to-say-the-same")
        try await substrate.ensureInstance(rendered)
        let second = try await running(spec)
        try require(processes(first) == processes(second), "repeating ensureInstance restarted components")
    }

    func instanceIsRemade(_ change: (inout InstanceSpec) -> Void) async throws {
        try await makeNetwork()
        var spec = etcd(0)
        try await make(spec)
        let first = try await running(spec)
        change(&spec)
        try await substrate.ensureInstance(spec)
        let second = try await running(spec)
        try require(
            second.configurationRevision == spec.configurationRevision && second.sizeName == spec.size.name, "the change is not there")
        try require(second.address == first.address && second.volume == first.volume, "the address or volume changed")
        try require(processes(first) != processes(second), "the components were not started anew")
    }

    /// A second server of another release takes over while the first goes on; what is no release's stays as it runs.
    func standbyTakesOver() async throws {
        try await makeNetwork()
        let spec = apiServer(0)
        try await make(spec)
        let first = try await running(spec)
        var next = spec
        next.release = ReleaseID(rawValue: "another")
        try await refused(.failed, "a standby that is not there") { try await substrate.promoteStandby(next) }
        var other = next
        other.configurationRevision += 1
        try await refused(.invalid, "a standby of another revision") { try await substrate.ensureStandby(other) }
        for round in 0..<3 {
            let before = try await running(spec)
            let old = before.release
            next.release = ReleaseID(rawValue: "another-\(round)")
            for _ in 0..<2 { try await substrate.ensureStandby(next) }
            let standby = try await eventually("the standby runs") {
                let seen = try await instance(spec.id)
                return seen?.standby?.component.isUp == true ? seen : nil
            }
            try require(standby.release == old && standby.standby?.release == next.release, "the standby is not as asked: \(standby)")
            try require(processes(standby) == processes(before), "the standby has disturbed what runs")
            let process = standby.standby?.component.processID
            for _ in 0..<2 { try await substrate.promoteStandby(next) }
            let meanwhile = try await running(next)
            try require(meanwhile.isHandingOver && processes(meanwhile)[.apiServer] == process, "it has not begun: \(meanwhile)")
            if round > 0 {
                for _ in 0..<2 { _ = try await substrate.exchangeControllers(of: spec.id) }
                let exchanged = try await running(next)
                try require(exchanged.isHandingOver, "the exchange of controllers has ended the handover: \(exchanged)")
            }
            for _ in 0..<2 { try await substrate.finishHandover(of: spec.id) }
            let after = try await running(next)
            try require(
                after.release == next.release && after.standby == nil && !after.isHandingOver, "the standby has not taken over: \(after)")
            try require(processes(after)[.apiServer] == process, "another process serves than the standby's")
            try require(processes(after)[.authenticator] == processes(before)[.authenticator], "what is no release's was exchanged")
            try await substrate.ensureInstance(next)
            try require(processes(try await running(next)) == processes(after), "repeating ensureInstance restarted components")
            next.release = ReleaseID(rawValue: "unwanted")
            try await substrate.ensureStandby(next)
            for _ in 0..<2 { try await substrate.removeStandby(of: spec.id) }
            let left = try await running(spec)
            try require(left.standby == nil && processes(left) == processes(after), "ending the standby has disturbed what runs")
        }
        let patched = try await running(spec)
        try require(processes(first)[.apiServer] != processes(patched)[.apiServer], "the first server still runs")
        // Made anew, with a standby there.
        try await substrate.ensureStandby(next)
        var remade = spec
        remade.configurationRevision += 1
        try await substrate.ensureInstance(remade)
        let seen = try await running(remade)
        try require(seen.standby == nil && seen.release == spec.release, "not made anew: \(seen)")
    }

    func controllersStopAndStart() async throws {
        try await makeNetwork()
        let spec = apiServer(0)
        try await refused(.unavailable, "to end the controllers of what is not there") { try await substrate.stopControllers(of: spec.id) }
        try await make(spec)
        let before = processes(try await running(spec))
        func stopped() async throws -> InstanceObservation {
            for _ in 0..<2 { try await substrate.stopControllers(of: spec.id) }
            return try await eventually("its controllers are down") {
                let seen = try await instance(spec.id)
                return seen?.components.first { $0.kind == .scheduler }?.isUp == false ? seen : nil
            }
        }
        let without = try await stopped()
        try require(without.hasStoppedControllers && without.state == .running, "not said to be so: \(without)")
        try require(
            without.components.allSatisfy { $0.kind == .scheduler || $0.isUp && $0.processID == before[$0.kind] },
            "more than the controllers has ended")
        try await substrate.ensureInstance(spec)
        let still = try await instance(spec.id)
        try require(still?.components.first { $0.kind == .scheduler }?.isUp == false, "they do not stay down")
        for _ in 0..<2 { try await substrate.startControllers(of: spec.id) }
        let again = try await running(spec)
        try require(!again.hasStoppedControllers && again.components.allSatisfy { $0.ends ?? 0 == 0 }, "not as before: \(again)")
        try require(processes(again)[.apiServer] == before[.apiServer], "the server was started anew")
        // Made anew, it has them.
        _ = try await stopped()
        var remade = spec
        remade.configurationRevision += 1
        try await substrate.ensureInstance(remade)
        let whole = try await running(remade)
        try require(!whole.hasStoppedControllers, "made anew, it is without: \(whole)")
    }

    func instancesAreMadeInParallel() async throws {
        try await makeNetwork()
        let specs = [etcd(0), etcd(1), etcd(2), apiServer(0), apiServer(1)]
        try await withThrowingTaskGroup(of: Void.self) { group in
            for spec in specs { group.addTask { try await make(spec) } }
            try await group.waitForAll()
        }
        for spec in specs { _ = try await running(spec) }
    }

    func addressIsHeldOnce() async throws {
        try await makeNetwork()
        try await make(apiServer(0))
        var other = apiServer(1)
        other.address = apiServer(0).address
        try await refused(.conflict, "an address that another instance has") { try await substrate.ensureInstance(other) }
        try require(try await instance(other.id) == nil, "a refused instance left something")
    }

    func volumeIsHeldOnce() async throws {
        try await makeNetwork()
        try await make(etcd(0))
        var other = etcd(1)
        other.volume = etcd(0).volume
        try await refused(.conflict, "a volume that another instance has") { try await substrate.ensureInstance(other) }
        if let volume = other.volume {
            try await refused(.conflict, "removing a volume in use") { try await substrate.removeVolume(volume) }
        }
    }

    func filesAreReplacedWithoutRestart() async throws {
        try await makeNetwork()
        let spec = etcd(0)
        try await make(spec)
        let first = try await running(spec)
        try await substrate.writeFiles(
            [InstanceFile(path: "pki/a.crt", content: "two"), InstanceFile(path: "b", content: "")], to: spec.id)
        let second = try await running(spec)
        try require(processes(first) == processes(second), "writing files restarted components")
    }

    func fenceStandsUntilLifted() async throws {
        func fenced() async throws -> Set<IPv4Address> { try await substrate.observe(cluster).fenced }
        try await makeNetwork()
        try await make(etcd(0))
        try await make(apiServer(0))
        try require(try await fenced().isEmpty, "something is fenced off that nobody asked for")
        try await substrate.ensureFence([], of: cluster)
        let member = etcd(0).address
        for addresses: Set<IPv4Address> in [[member], [member], [member, apiServer(0).address], [apiServer(0).address], [member]] {
            try await substrate.ensureFence(addresses, of: cluster)
            try require(try await fenced() == addresses, "\(addresses) are not fenced off")
        }
        try await make(etcd(1))
        _ = try await running(etcd(1))
        // The holder of an address may go and come back; the fence stays.
        try await substrate.removeInstance(etcd(0).id)
        try await make(etcd(0))
        try require(try await fenced() == [member], "the fence went with its instance")
        for _ in 0..<2 {
            try await substrate.ensureFence([], of: cluster)
            try require(try await fenced().isEmpty, "the fence was not lifted")
        }
        try await substrate.ensureFence([member], of: cluster)
    }

    func loadBalancerFollowsItsBackends() async throws {
        try await makeNetwork()
        let names = ["api-0", "api-1", "api-2"]
        var spec = LoadBalancerSpec(
            cluster: cluster, network: network, address: network.loadBalancer, backends: [],
            certificateAuthority: SubstrateFixtures.certificateAuthority)
        let steps: [[LoadBalancerSpec.Admission?]] = [
            [.ready, .ready, nil], [.ready, .drain, nil], [.ready, .closed, .ready], [nil, .ready, .drain], [.closed, nil, .ready],
        ]
        for step in steps {
            spec.backends = zip(names, step).enumerated().compactMap { index, pair in
                pair.1.map { .init(name: pair.0, address: network.apiServers[index], admission: $0) }
            }
            for _ in 0..<2 { try await substrate.ensureLoadBalancer(spec) }
            let seen = try await eventually("the load balancer runs") {
                try await substrate.observe(cluster).loadBalancer.flatMap { $0.state == .running ? $0 : nil }
            }
            try require(seen.address == spec.address, "another address: \(seen)")
            let found = seen.backends.sorted { $0.name < $1.name }
            try require(
                found.map(\.name) == spec.backends.map(\.name) && found.map(\.address) == spec.backends.map(\.address)
                    && found.map(\.admission) == spec.backends.map(\.admission), "asked for \(spec.backends), found \(found)")
        }
        try await substrate.removeLoadBalancer(of: cluster)
        try require(try await substrate.observe(cluster).loadBalancer == nil, "the load balancer is still there")
    }

    func removingWhatIsNotThereIsFine() async throws {
        try await substrate.removeInstance(apiServer(0).id)
        try await substrate.removeVolume(VolumeID(cluster: cluster, name: "etcd-0"))
        try await substrate.removeLoadBalancer(of: cluster)
        try await substrate.removeNetwork(of: cluster)
    }

    func everythingGoes() async throws {
        try await makeNetwork()
        for spec in [etcd(0), apiServer(0)] { try await make(spec) }
        try await substrate.ensureLoadBalancer(
            LoadBalancerSpec(
                cluster: cluster, network: network, address: network.loadBalancer,
                backends: [.init(name: "api-0", address: network.apiServers[0], admission: .ready)],
                certificateAuthority: SubstrateFixtures.certificateAuthority))
        try await removeAll(cluster)
    }

    func clustersAreIndependent() async throws {
        for index in 0..<2 {
            try await makeNetwork(index)
            try await make(etcd(0, cluster: index))
        }
        let before = try await running(etcd(0, cluster: 1))
        try await removeAll(cluster)
        let after = try await running(etcd(0, cluster: 1))
        try require(processes(before) == processes(after), "removing a cluster touched another")
        try await refused(.conflict, "a network block that another cluster has") {
            try await substrate.ensureNetwork(NetworkSpec(cluster: cluster, network: surroundings.clusters[1].network))
        }
    }
}
