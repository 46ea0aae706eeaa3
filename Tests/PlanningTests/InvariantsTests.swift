import FleetModel
import Planning
import Substrate
import Testing

/// The invariants find each kind of action that must not be.
@Suite struct InvariantsTests {
    private func start(_ fixture: PlannerFixture, _ name: String) throws -> InstanceIntent {
        let seen = try #require(fixture.observation.substrate.instances.first { $0.id.name == name })
        return InstanceIntent(
            id: seen.id, role: seen.role, zone: seen.zone, size: InstanceSize(name: seen.sizeName, memoryMiB: 1, milliCPU: 1),
            network: fixture.intent.spec.network, address: seen.address, volume: seen.volume, release: seen.release,
            configurationRevision: seen.configurationRevision)
    }

    private func numbers(_ violations: [InvariantViolation]) -> [Int] { violations.map(\.number) }

    @Test func nothingIsWrongWithNothing() throws {
        #expect(try PlannerFixture.whole().violations(of: []).isEmpty)
    }

    @Test func twoMembersAtOnce() throws {
        let fixture = try PlannerFixture.whole()
        let actions = [Action.replaceInstance(try start(fixture, "etcd-z-b")), .removeInstance(fixture.instance("etcd-z-c"))]
        #expect(numbers(fixture.violations(of: actions)) == [1, 1])
    }

    @Test func aMemberWhileAnotherIsDown() throws {
        var fixture = try PlannerFixture.whole()
        fixture.silence("etcd-z-c")
        #expect(numbers(fixture.violations(of: [.replaceInstance(try start(fixture, "etcd-z-b"))])) == [1])
        #expect(fixture.violations(of: [.replaceInstance(try start(fixture, "etcd-z-c"))]).isEmpty)
    }

    @Test func theLeader() throws {
        let fixture = try PlannerFixture.whole()
        #expect(numbers(fixture.violations(of: [.replaceInstance(try start(fixture, "etcd-z-a"))])) == [1])
    }

    @Test func startingARunningMemberAsSomethingElse() throws {
        let fixture = try PlannerFixture.whole()
        var intent = try start(fixture, "etcd-z-a")
        #expect(fixture.violations(of: [.startInstance(intent)]).isEmpty)
        intent.configurationRevision += 1
        #expect(numbers(fixture.violations(of: [.startInstance(intent)])) == [1])
    }

    @Test func tooFewAPIServers() throws {
        let fixture = try PlannerFixture.whole()
        #expect(numbers(fixture.violations(of: [.removeInstance(fixture.instance("api-1"))])) == [2])
        #expect(numbers(fixture.violations(of: [.replaceInstance(try start(fixture, "api-2"))])) == [2])
        #expect(numbers(fixture.violations(of: [.removeLoadBalancer(fixture.intent.cluster)])) == [2])
        var fewer = LoadBalancerIntent(cluster: fixture.intent.cluster, network: fixture.intent.spec.network, backends: [])
        #expect(numbers(fixture.violations(of: [.ensureLoadBalancer(fewer)])) == [2])
        fewer.backends = [
            .init(name: "api-1", address: fixture.intent.spec.network.apiServers[0], admission: .ready),
            .init(name: "api-2", address: fixture.intent.spec.network.apiServers[1], admission: .drain),
        ]
        #expect(numbers(fixture.violations(of: [.ensureLoadBalancer(fewer)])) == [2])
    }

    @Test func oneThatDoesNotServeMayGo() throws {
        var fixture = try PlannerFixture.whole()
        fixture.silence("api-1")
        #expect(fixture.violations(of: [.removeInstance(fixture.instance("api-1"))]).isEmpty)
    }

    @Test func anAddressWithTwoHolders() throws {
        let fixture = try PlannerFixture.whole()
        var intent = try start(fixture, "api-1")
        intent.id.name = "api-9"
        #expect(numbers(fixture.violations(of: [.startInstance(intent)])) == [3])
    }

    @Test func aVolumeWithTwoHolders() throws {
        let fixture = try PlannerFixture.whole()
        var intent = try start(fixture, "etcd-z-b")
        intent.id.name = "etcd-other"
        intent.address = fixture.intent.spec.network.etcdMember(4)
        #expect(numbers(fixture.violations(of: [.startInstance(intent)])) == [3])
    }

    @Test func aVolumeOfALivingCluster() throws {
        var fixture = try PlannerFixture.whole()
        #expect(numbers(fixture.violations(of: [.removeVolume(fixture.volume("etcd-z-a"))])) == [3])
        fixture.intent.isDeleting = true
        #expect(fixture.violations(of: [.removeVolume(fixture.volume("etcd-z-a"))]).isEmpty)
    }

    @Test func anEmptyVolumeForAClusterThatHasServed() throws {
        var fixture = try PlannerFixture.whole()
        let action = Action.ensureVolume(VolumeSpec(id: fixture.volume("etcd-z-a"), zone: PlannerFixture.zones[0]))
        #expect(numbers(fixture.violations(of: [action])) == [6])
        fixture.intent.isEstablished = false
        #expect(fixture.violations(of: [action]).isEmpty)
    }

    @Test func aStateWithTwoHolders() throws {
        var fixture = try PlannerFixture.whole()
        #expect(Invariants().violations(in: fixture.observation.substrate).isEmpty)
        let address = fixture.intent.spec.network.etcdMember(0)
        let volume = fixture.volume("etcd-z-a")
        fixture.change("etcd-z-b") { $0.address = address }
        #expect(numbers(Invariants().violations(in: fixture.observation.substrate)) == [3])
        fixture.change("etcd-z-b") { $0.volume = volume }
        #expect(numbers(Invariants().violations(in: fixture.observation.substrate)) == [3, 3])
    }

    @Test func aDeletionMayTakeEverything() throws {
        var fixture = try PlannerFixture.whole()
        fixture.intent.isDeleting = true
        #expect(fixture.ownViolations.isEmpty)
    }
}
