import FleetModel
import Planning
import Substrate
import Testing

@Suite struct DeletionTests {
    private func deleting() throws -> PlannerFixture {
        var fixture = try PlannerFixture.whole()
        fixture.intent.isDeleting = true
        return fixture
    }

    @Test func trafficAndInstancesThenVolumesThenTheNetwork() throws {
        var fixture = try deleting()
        let rounds = try fixture.run()
        #expect(
            rounds == [
                [
                    "remove load balancer", "remove instance etcd-z-a", "remove instance etcd-z-b", "remove instance etcd-z-c",
                    "remove instance api-1", "remove instance api-2",
                ],
                ["remove volume etcd-z-a", "remove volume etcd-z-b", "remove volume etcd-z-c"],
                ["remove network"],
            ])
        #expect(fixture.plan == Plan(outlook: .gone))
        #expect(fixture.observation.substrate.isEmpty)
    }

    @Test func halfMadeThingsGoToo() throws {
        var fixture = try PlannerFixture()
        fixture.intent.isDeleting = true
        fixture.observation.substrate.network = NetworkObservation(network: nil, isComplete: false)
        fixture.addMember(PlannerFixture.zones[1], healthy: false, state: .incomplete)
        _ = try fixture.run()
        #expect(fixture.observation.substrate.isEmpty)
        #expect(fixture.plan.outlook == .gone)
    }

    @Test func nothingIsGoneAtOnce() throws {
        var fixture = try PlannerFixture()
        fixture.intent.isDeleting = true
        #expect(fixture.plan == Plan(outlook: .gone))
    }

    @Test func whateverWasTakenAlreadyTheRestGoes() throws {
        var start = try deleting()
        while !start.plan.actions.isEmpty {
            let actions = start.plan.actions
            for subset in 0..<(1 << actions.count) {
                var fixture = start
                for (index, action) in actions.enumerated() where subset & 1 << index != 0 { fixture.carryOut(action) }
                _ = try fixture.run()
                #expect(fixture.plan.outlook == .gone && fixture.observation.substrate.isEmpty)
            }
            start.carryOut(actions)
        }
    }
}
