import FleetModel
import Planning
import Substrate
import Testing

@Suite struct CreationTests {
    @Test func networkAndVolumesComeFirst() throws {
        let fixture = try PlannerFixture()
        #expect(
            fixture.titles == ["make network 100.66.0.0/27", "make volume etcd-z-a", "make volume etcd-z-b", "make volume etcd-z-c"])
        #expect(fixture.plan.outlook == .unavailable)
    }

    @Test func thenEverythingElseAtOnce() throws {
        var fixture = try PlannerFixture()
        fixture.addFoundation()
        #expect(
            fixture.titles == [
                "start instance etcd-z-a", "start instance etcd-z-b", "start instance etcd-z-c", "start instance api-1",
                "start instance api-2", "point the endpoint at api-1, api-2",
            ])
    }

    @Test func fromNothingToWholeInFourRounds() throws {
        var fixture = try PlannerFixture()
        let rounds = try fixture.run()
        #expect(rounds.count == 3)
        #expect(rounds.last == ["make Kubernetes roles and bindings, and wait for the controllers to lead"])
        #expect(fixture.plan == Plan(outlook: .healthy))
    }

    @Test func membersAndAPIServersHaveTheirPlaces() throws {
        var fixture = try PlannerFixture()
        fixture.addFoundation()
        let started = fixture.plan.actions.compactMap { action -> InstanceIntent? in
            if case .startInstance(let intent) = action { intent } else { nil }
        }
        #expect(started.map(\.zone.rawValue) == ["z-a", "z-b", "z-c", "z-a", "z-b"])
        #expect(started.map(\.address.description) == ["100.66.0.3", "100.66.0.4", "100.66.0.5", "100.66.0.8", "100.66.0.9"])
        #expect(started.map { $0.volume?.name } == ["etcd-z-a", "etcd-z-b", "etcd-z-c", nil, nil])
    }

    @Test func aHalfMadeNetworkIsCompletedAndNothingElse() throws {
        var fixture = try PlannerFixture()
        fixture.addFoundation()
        fixture.observation.substrate.network?.isComplete = false
        #expect(fixture.titles == ["make network 100.66.0.0/27"])
    }

    @Test func onlyWhatIsMissingIsMade() throws {
        var fixture = try PlannerFixture()
        fixture.addFoundation()
        fixture.observation.substrate.volumes.remove(at: 1)
        #expect(fixture.titles == ["make volume etcd-z-b"])
    }

    @Test(arguments: [InstanceObservation.State.incomplete, .stopped])
    func aHalfMadeOrStoppedMemberIsStarted(state: InstanceObservation.State) throws {
        var fixture = try PlannerFixture.whole()
        fixture.change("etcd-z-b") { $0.state = state }
        fixture.silence("etcd-z-b")
        #expect(fixture.titles == ["start instance etcd-z-b"])
        #expect(fixture.plan.outlook == .degraded)
    }

    @Test(arguments: [InstanceObservation.State.incomplete, .stopped])
    func aHalfMadeOrStoppedAPIServerIsStarted(state: InstanceObservation.State) throws {
        var fixture = try PlannerFixture.whole()
        fixture.change("api-2") { $0.state = state }
        fixture.silence("api-2")
        #expect(fixture.titles == ["start instance api-2"])
    }

    @Test func whileStartingItSaysForWhatItWaits() throws {
        var fixture = try PlannerFixture()
        fixture.addFoundation()
        for zone in PlannerFixture.zones { fixture.addMember(zone, healthy: false) }
        fixture.addAPIServer(1, PlannerFixture.zones[0], ready: false)
        fixture.addAPIServer(2, PlannerFixture.zones[1], ready: false)
        fixture.pointEndpoint()
        #expect(fixture.plan.actions.isEmpty)
        #expect(Set(fixture.reasons) == ["EtcdNotHealthy", "APIServerNotReady"])
        #expect(fixture.plan.outlook == .unavailable)
    }

    @Test func whatTheBalancerHasNotCheckedYetIsWaitedFor() throws {
        var fixture = try PlannerFixture.whole()
        fixture.changeBackend("api-2") { $0.isHealthy = false }
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons == ["EndpointNotReady"])
        #expect(fixture.plan.outlook == .degraded)
    }

    @Test func kubernetesIsBootstrappedOnceTheEndpointServes() throws {
        var fixture = try PlannerFixture.whole()
        fixture.observation.isBootstrapped = false
        #expect(fixture.titles == ["make Kubernetes roles and bindings, and wait for the controllers to lead"])
        fixture.observation.substrate.loadBalancer?.state = .stopped
        #expect(fixture.titles == ["point the endpoint at api-1, api-2"])
    }

    /// A manager may die after any of its actions: whatever subset of them happened, the next one ends at the same place.
    @Test func everyPartOfACreationCanBeContinued() throws {
        var start = try PlannerFixture()
        while true {
            let actions = start.plan.actions
            if actions.isEmpty { break }
            for subset in 0..<(1 << actions.count) {
                var fixture = start
                for (index, action) in actions.enumerated() where subset & 1 << index != 0 { fixture.carryOut(action) }
                _ = try fixture.run()
                #expect(fixture.plan == Plan(outlook: .healthy))
                #expect(fixture.observation.substrate.instances.count == 5)
                #expect(Invariants().violations(in: fixture.observation.substrate).isEmpty)
            }
            start.carryOut(actions)
        }
        #expect(start.plan.outlook == .healthy)
    }

    @Test func doneTwiceIsDoneOnce() throws {
        let fixture = try PlannerFixture.whole()
        #expect(fixture.plan == Plan(outlook: .healthy))
    }
}
