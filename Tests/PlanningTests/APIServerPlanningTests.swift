import FleetModel
import Planning
import Substrate
import Testing

@Suite struct APIServerPlanningTests {
    private let zones = PlannerFixture.zones

    /// Both instances are of an older size.
    private func outdated() throws -> PlannerFixture {
        var fixture = try PlannerFixture.whole()
        fixture.intent.spec.apiServerSize.name = "api-large"
        return fixture
    }

    private func backends(_ plan: Plan) -> [String: LoadBalancerSpec.Admission] {
        for case .ensureLoadBalancer(let balancer) in plan.actions {
            return Dictionary(balancer.backends.map { ($0.name, $0.admission) }, uniquingKeysWith: { first, _ in first })
        }
        return [:]
    }

    @Test func newOnesComeBesideTheOld() throws {
        let fixture = try outdated()
        #expect(fixture.titles == ["start instance api-3", "start instance api-4", "point the endpoint at api-1, api-2, api-3, api-4"])
        #expect(fixture.ownViolations.isEmpty)
    }

    @Test func oldOnesAreDrainedThenRemoved() throws {
        var fixture = try outdated()
        #expect(
            try fixture.run() == [
                ["start instance api-3", "start instance api-4", "point the endpoint at api-1, api-2, api-3, api-4"],
                ["point the endpoint at api-1 (drain), api-2 (drain), api-3, api-4"],
                ["remove instance api-1", "remove instance api-2"],
                ["point the endpoint at api-3, api-4"],
            ])
        #expect(fixture.plan.outlook == .healthy)
    }

    @Test func oldOnesStayUntilTheBalancerSendsTrafficToTheNew() throws {
        var fixture = try outdated()
        fixture.carryOut(fixture.plan.actions)
        fixture.changeBackend("api-4") { $0.isHealthy = false }
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons == ["MinimumReady", "MinimumReady"])
    }

    @Test func openSessionsAreWaitedFor() throws {
        var fixture = try outdated()
        fixture.carryOut(fixture.plan.actions)
        fixture.carryOut(fixture.plan.actions)
        fixture.changeBackend("api-1") { $0.openSessions = 3 }
        #expect(fixture.titles == ["remove instance api-2"])
        #expect(fixture.reasons == ["Draining"])
    }

    @Test func aChangeOfMindBringsADrainedOneBack() throws {
        var fixture = try PlannerFixture.whole()
        fixture.addAPIServer(3, zones[2], ready: true)
        fixture.pointEndpoint()
        #expect(fixture.titles == ["point the endpoint at api-1, api-2, api-3 (drain)"])
        fixture.carryOut(fixture.plan.actions)
        fixture.intent.spec.apiServerCount = 3
        #expect(fixture.titles == ["point the endpoint at api-1, api-2, api-3"])
    }

    @Test func moreAreSpreadOverTheZones() throws {
        var fixture = try PlannerFixture.whole()
        fixture.intent.spec.apiServerCount = 5
        let started = fixture.plan.actions.compactMap { action -> String? in
            if case .startInstance(let intent) = action { "\(intent.id.name) \(intent.zone)" } else { nil }
        }
        #expect(started == ["api-3 z-c", "api-4 z-a", "api-5 z-b"])
    }

    @Test func fewerLeavesTwoZones() throws {
        var fixture = try PlannerFixture.whole()
        fixture.addAPIServer(3, zones[2], ready: false)
        fixture.addAPIServer(4, zones[0], ready: true)
        fixture.silence("api-2")
        fixture.pointEndpoint()
        // Unready ones alone would leave z-a twice.
        #expect(backends(fixture.plan) == [:] || backends(fixture.plan)["api-1"] == .ready)
        _ = try fixture.run()
        let left = fixture.observation.substrate.instances.filter { $0.role == .apiServer }
        #expect(left.count == 2)
        #expect(Set(left.map(\.zone)).count == 2)
    }

    @Test func anUnavailableZoneGetsNoNewOne() throws {
        var fixture = try PlannerFixture.whole()
        fixture.observation.unavailableZones = [zones[2]]
        fixture.intent.spec.apiServerCount = 3
        let started = fixture.plan.actions.compactMap { if case .startInstance(let intent) = $0 { intent } else { nil } }
        #expect(started.map(\.id.name) == ["api-3"])
        #expect(started.map(\.zone) == [zones[0]])
        fixture.observation.unavailableZones = Set(zones)
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons == ["OneZoneAtATime", "NoZone"])
    }

    @Test func withoutAFreeAddressItWaits() throws {
        var fixture = try PlannerFixture.whole()
        fixture.intent.spec.apiServerCount = 24
        let plan = fixture.plan
        #expect(plan.actions.count { if case .startInstance = $0 { true } else { false } } == 21)
        #expect(plan.waits.map(\.reason).contains("NoAddress"))
        #expect(fixture.ownViolations.isEmpty)
    }

    // MARK: Instances that do not become ready

    private func hopeless(_ names: [String]) throws -> PlannerFixture {
        var fixture = try PlannerFixture.whole()
        for name in names {
            fixture.silence(name)
            fixture.observation.unreadySeconds[name] = fixture.policy.replaceUnreadyAfter + 1
        }
        return fixture
    }

    @Test func oneUnreadyForTooLongIsReplaced() throws {
        var fixture = try hopeless(["api-2"])
        #expect(fixture.titles == ["start instance api-3", "point the endpoint at api-1, api-2 (drain), api-3"])
        #expect(fixture.ownViolations.isEmpty)
        for action in fixture.plan.actions { fixture.carryOut(action) }
        fixture.changeBackend("api-1") { $0.isHealthy = true }
        #expect(fixture.titles == ["remove instance api-2"])
    }

    @Test func anOutdatedOneThatIsUnreadyForTooLongGoesWithoutReplacementsBeingReady() throws {
        var fixture = try outdated()
        fixture.silence("api-1")
        fixture.observation.unreadySeconds["api-1"] = fixture.policy.replaceUnreadyAfter + 1
        for action in fixture.plan.actions { fixture.carryOut(action) }
        fixture.changeBackend("api-2") { $0.isHealthy = true }
        #expect(fixture.titles == ["remove instance api-1"])
    }

    @Test func unreadyForAMomentIsOnlyWaitedFor() throws {
        var fixture = try hopeless(["api-2"])
        fixture.observation.unreadySeconds["api-2"] = fixture.policy.replaceUnreadyAfter - 1
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons == ["APIServerNotReady"])
    }

    @Test func aProbeThatFailsCostsNoInstance() throws {
        var fixture = try hopeless(["api-1", "api-2"])
        fixture.changeBackend("api-1") { $0.isHealthy = true }
        fixture.changeBackend("api-2") { $0.isHealthy = true }
        #expect(fixture.plan.actions.isEmpty)
    }

    @Test func withoutEtcdNoneIsReplaced() throws {
        var fixture = try hopeless(["api-1", "api-2"])
        for zone in zones.dropFirst() { fixture.silence("etcd-\(zone)") }
        #expect(fixture.plan.actions.isEmpty)
        #expect(!fixture.reasons.contains("MinimumReady"))
    }

    /// Replacements that do not become ready either must not pile up until the addresses are used up.
    @Test func hopelessOnesDoNotPileUp() throws {
        var fixture = try hopeless(["api-1", "api-2"])
        for _ in 0..<30 {
            for action in fixture.plan.actions { fixture.carryOut(action) }
            for instance in fixture.observation.substrate.instances where instance.role == .apiServer {
                fixture.observation.unreadySeconds[instance.id.name] = fixture.policy.replaceUnreadyAfter + 1
            }
            let count = fixture.observation.substrate.instances.count { $0.role == .apiServer }
            #expect(count <= 4)
        }
    }

    @Test func aLostBalancerIsMadeAgainAndNothingIsTakenMeanwhile() throws {
        var fixture = try outdated()
        fixture.carryOut(fixture.plan.actions)
        fixture.observation.substrate.loadBalancer = nil
        #expect(fixture.titles == ["point the endpoint at api-1, api-2, api-3, api-4"])
        #expect(fixture.reasons == ["MinimumReady", "MinimumReady"])
    }
}
