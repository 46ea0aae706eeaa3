import FleetModel
import Planning
import Substrate
import Testing

/// A zone that was found impaired and is in service still: what has time waits.
@Suite struct ImpairedZoneTests {
    private let zone = PlannerFixture.zones[2]

    private func updating(_ strategy: UpdateIntent.Strategy = .blueGreen, etcd: Bool = true) throws -> PlannerFixture {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2", etcd: etcd, strategy: strategy)
        return fixture
    }

    @Test func noEtcdMemberIsReplaced() throws {
        var fixture = try updating()
        let replacement = try #require(fixture.plan.actions.first { $0.title == "replace instance etcd-z-b" })
        fixture.observation.impairedZones = [zone]
        #expect(!fixture.titles.contains { $0.hasPrefix("replace") })
        #expect(fixture.reasons.contains("ZoneImpaired"))
        #expect(fixture.violations(of: [replacement]).contains { $0.number == 5 })
        fixture.observation.impairedZones = []
        #expect(fixture.titles.contains("replace instance etcd-z-b"))
    }

    @Test func nobodyIsTriedAndNobodyOfBeforeGoes() throws {
        var fixture = try updating(etcd: false)
        fixture.observation.impairedZones = [zone]
        // To start beside those that serve takes nothing away from anybody.
        #expect(fixture.titles == ["start instance api-3", "start instance api-4"])
        fixture.carryOut(fixture.plan.actions)
        #expect(fixture.titles.isEmpty)
        #expect(fixture.reasons == ["ZoneImpaired", "ZoneImpaired", "ZoneImpaired", "ZoneImpaired"])
        fixture.observation.impairedZones = []
        #expect(fixture.titles == ["check api-3", "check api-4"])
    }

    @Test func thoseThatAreDrainedServeAgain() throws {
        var fixture = try updating(etcd: false)
        for _ in 0..<5 {
            fixture.carryOut(fixture.plan.actions)
            for name in fixture.observation.trials.keys {
                fixture.observation.trials[name]?.passingSeconds = 60
                fixture.observation.trials[name]?.secondsSinceCheck = 60
            }
        }
        let drained = fixture.observation.substrate.loadBalancer?.backends.filter { $0.admission == .drain }.map(\.name)
        #expect(drained == ["api-1", "api-2"])
        fixture.observation.impairedZones = [zone]
        #expect(fixture.titles == ["point the endpoint at api-1, api-2, api-3, api-4"])
    }

    @Test func noPatchIsBegunAndNobodyTakesOver() throws {
        var fixture = try updating(.inPlace, etcd: false)
        fixture.observation.impairedZones = [zone]
        #expect(fixture.titles.isEmpty && fixture.reasons == ["ZoneImpaired"])
        fixture.observation.impairedZones = []
        fixture.carryOut(fixture.plan.actions)
        fixture.carryOut(fixture.plan.actions)
        #expect(fixture.titles == ["let the API server of 1.33.4-eks.2 on api-1 take over"])
        fixture.observation.impairedZones = [zone]
        #expect(fixture.titles.isEmpty && fixture.reasons == ["ZoneImpaired"])
        fixture.observation.impairedZones = []
        #expect(fixture.titles == ["let the API server of 1.33.4-eks.2 on api-1 take over"])
    }

    /// Bad ones are not kept for it; etcd's members still wait.
    @Test func whatGoesBackDoesNotWait() throws {
        var fixture = try updating()
        fixture.carryOut(fixture.plan.actions)
        fixture.goBack()
        fixture.observation.impairedZones = [zone]
        #expect(fixture.titles == ["remove instance api-3", "remove instance api-4"])
        #expect(fixture.reasons == ["ZoneImpaired"])
    }

    @Test func aNewClusterDoesNotWait() throws {
        var fixture = try PlannerFixture()
        fixture.observation.impairedZones = [zone]
        let rounds = try fixture.run()
        #expect(!rounds.isEmpty)
        #expect(fixture.observation.substrate.instances.count == 5)
    }
}
