import FleetModel
import Planning
import Substrate
import Testing

/// An evacuated zone is left as a whole; nothing of it serves or leads, and nothing gets worse by it.
@Suite struct EvacuationTests {
    private let zones = PlannerFixture.zones

    /// etcd-z-a leads; api-1 is in z-a and api-2 in z-b.
    private func evacuated(_ index: Int, dead: Bool) throws -> PlannerFixture {
        var fixture = try PlannerFixture.whole()
        fixture.observation.unavailableZones = [zones[index]]
        if dead {
            let names = fixture.observation.substrate.instances.filter { $0.zone == zones[index] }.map(\.id.name)
            for name in names {
                fixture.silence(name)
                fixture.observation.unreadySeconds[name] = 1.5
            }
            if index == 0 { fixture.lead("etcd-z-b") }
        }
        return fixture
    }

    @Test func aDeadZoneIsCutOffAtOnce() throws {
        let fixture = try evacuated(0, dead: true)
        #expect(
            fixture.titles == [
                "fence off 100.66.0.3, 100.66.0.8", "start instance api-3", "point the endpoint at api-1 (closed), api-2, api-3",
            ])
        #expect(fixture.ownViolations.isEmpty)
        #expect(fixture.plan.outlook == .degraded)
    }

    @Test func anEmptyCornerOfADeadZoneIsFencedToo() throws {
        let fixture = try evacuated(2, dead: true)
        #expect(fixture.titles == ["fence off 100.66.0.5"])
        #expect(fixture.ownViolations.isEmpty)
    }

    @Test func itSucceedsWithoutNewInstances() throws {
        var fixture = try evacuated(0, dead: true)
        fixture.observation.substrate.fenced = [
            fixture.address(of: fixture.instance("etcd-z-a")), fixture.intent.spec.network.apiServers[0],
        ]
        fixture.changeBackend("api-1") { $0.admission = .closed }
        // The replacement cannot be made: everything else is done all the same.
        #expect(fixture.titles == ["start instance api-3", "point the endpoint at api-1 (closed), api-2, api-3"])
        #expect(fixture.reasons.contains("ZoneEvacuated"))
    }

    @Test func nothingIsStartedInTheZone() throws {
        var fixture = try evacuated(0, dead: true)
        for name in ["etcd-z-a", "api-1"] { fixture.change(name) { $0.state = .stopped } }
        #expect(!fixture.titles.contains("start instance etcd-z-a"))
        #expect(!fixture.titles.contains("start instance api-1"))
        fixture.remove("etcd-z-a")
        #expect(!fixture.titles.contains("start instance etcd-z-a"))
        #expect(fixture.titles.first == "fence off 100.66.0.3, 100.66.0.8")
    }

    @Test func aHealthyZoneIsLeftInOrder() throws {
        var fixture = try evacuated(0, dead: false)
        #expect(
            try fixture.run() == [
                ["move etcd leadership from etcd-z-a to etcd-z-b", "start instance api-3", "point the endpoint at api-1, api-2, api-3"],
                ["point the endpoint at api-1 (drain), api-2, api-3"],
                ["retire instance api-1"],
                ["retire instance etcd-z-a", "point the endpoint at api-2, api-3"],
                ["fence off 100.66.0.3"],
            ])
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.plan.outlook == .degraded)
    }

    @Test func openSessionsGetAShortTime() throws {
        var fixture = try evacuated(0, dead: false)
        for _ in 0..<2 { fixture.carryOut(fixture.plan.actions) }
        fixture.changeBackend("api-1") { $0.openSessions = 3 }
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons.contains("Draining"))
        fixture.observation.drainingSeconds["api-1"] = fixture.policy.evacuationDrainLimit + 1
        #expect(fixture.titles == ["retire instance api-1"])
        #expect(fixture.ownViolations.isEmpty)
    }

    @Test func aReplacementIsWaitedForButNotForEver() throws {
        var fixture = try evacuated(0, dead: false)
        fixture.lead("etcd-z-b")
        for action in fixture.plan.actions { fixture.carryOut(action) }
        fixture.changeBackend("api-1") { $0.isHealthy = true }
        fixture.changeBackend("api-2") { $0.isHealthy = true }
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons.contains("Leaving"))
        fixture.observation.unavailableSeconds[zones[0]] = fixture.policy.evacuationPatience + 1
        #expect(fixture.titles == ["point the endpoint at api-1 (drain), api-2, api-3"])
        #expect(fixture.ownViolations.isEmpty)
    }

    @Test func theLastAPIServerStays() throws {
        for isDead in [false, true] {
            var fixture = try evacuated(0, dead: isDead)
            fixture.silence("api-2")
            fixture.observation.unavailableSeconds[zones[0]] = 1000
            let plan = fixture.plan
            #expect(plan.waits.map(\.reason).contains("EvacuationCapacity"))
            for case .ensureFence(_, let addresses) in plan.actions {
                #expect(!addresses.contains(fixture.intent.spec.network.apiServers[0]))
            }
            #expect(!plan.actions.contains { if case .retireInstance(let id) = $0 { id.name == "api-1" } else { false } })
            #expect(fixture.ownViolations.isEmpty)
        }
    }

    @Test func etcdKeepsItsQuorum() throws {
        for isDead in [false, true] {
            var fixture = try evacuated(0, dead: isDead)
            fixture.silence("etcd-z-b")
            fixture.observation.unreadySeconds["etcd-z-b"] = fixture.policy.electionPatience + 1
            #expect(fixture.reasons.contains("EvacuationQuorum"))
            for case .ensureFence(_, let addresses) in fixture.plan.actions {
                #expect(!addresses.contains(fixture.address(of: fixture.instance("etcd-z-a"))))
            }
            #expect(fixture.ownViolations.isEmpty)
        }
    }

    /// A leader that died takes a second to be replaced: until then the others answer nothing either.
    @Test func anElectionDoesNotHoldUpTheFence() throws {
        var fixture = try evacuated(0, dead: true)
        for zone in zones {
            fixture.observation.health.etcdMembers["etcd-\(zone)"]?.isHealthy = false
            fixture.observation.unreadySeconds["etcd-\(zone)"] = 1
        }
        #expect(fixture.titles.first == "fence off 100.66.0.3, 100.66.0.8")
        #expect(fixture.ownViolations.isEmpty)
    }

    /// When the others fail for good, the member of the evacuated zone is needed again.
    @Test func aLostQuorumBringsTheMemberBack() throws {
        var fixture = try evacuated(0, dead: false)
        _ = try fixture.run()
        #expect(fixture.observation.substrate.fenced.count == 1)
        fixture.silence("etcd-z-b")
        fixture.observation.unreadySeconds["etcd-z-b"] = fixture.policy.electionPatience + 1
        #expect(fixture.titles == ["lift the fence", "start instance etcd-z-a"])
        #expect(fixture.ownViolations.isEmpty)
    }

    @Test func neverTwoZones() throws {
        var fixture = try evacuated(0, dead: true)
        fixture.carryOut(fixture.plan.actions)
        for name in ["etcd-z-a", "api-1"] { fixture.silence(name) }
        let fenced = fixture.observation.substrate.fenced
        fixture.observation.unavailableZones.insert(zones[1])
        fixture.observation.unavailableZones.insert(zones[2])
        #expect(fixture.reasons.contains("OneZoneAtATime"))
        #expect(!fixture.plan.actions.contains { if case .ensureFence = $0 { true } else { false } })
        #expect(fixture.observation.substrate.fenced == fenced)
        let both = [zones[0], zones[1]].map { fixture.address(of: fixture.instance("etcd-\($0)")) }
        #expect(fixture.violations(of: [.ensureFence(fixture.intent.cluster, Set(both))]).map(\.number).sorted() == [1, 1, 1, 5])
    }

    @Test func trafficComesBackLast() throws {
        var fixture = try evacuated(0, dead: true)
        fixture.carryOut(fixture.plan.actions)
        fixture.observation.unavailableZones = []
        for name in ["etcd-z-a", "api-1"] { fixture.silence(name) }
        fixture.intent.spec.apiServerCount = 3
        #expect(fixture.titles == ["lift the fence"])
        for action in fixture.plan.actions { fixture.carryOut(action) }
        // It answers, but its zone's member has not caught up.
        fixture.observation.health.apiServers["api-1"] = APIServerHealth(isReady: true)
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons.contains("CatchingUp"))
        fixture.observation.health.etcdMembers["etcd-z-a"] = EtcdMemberHealth(isHealthy: true, isLeader: false)
        #expect(fixture.titles == ["point the endpoint at api-1, api-2, api-3"])
        #expect(fixture.ownViolations.isEmpty)
    }

    @Test func aRestoredZoneIsWholeAgain() throws {
        for isDead in [false, true] {
            var fixture = try evacuated(0, dead: isDead)
            for _ in 0..<10 { fixture.carryOut(fixture.plan.actions) }
            fixture.observation.unavailableZones = []
            _ = try fixture.run()
            #expect(fixture.plan == Plan(outlook: .healthy))
            #expect(fixture.observation.substrate.fenced.isEmpty)
            #expect(fixture.observation.substrate.instances.count == 5)
        }
    }

    /// What followers passed on to it would wait for etcd's request timeout.
    @Test func whatWaitsForALostLeaderIsEnded() throws {
        var fixture = try evacuated(0, dead: true)
        fixture.observation.recentLeaders = ["etcd-z-a", "etcd-z-b"]
        #expect(fixture.titles.prefix(2) == ["fence off 100.66.0.3, 100.66.0.8", "end what waits for the lost leader"])
        fixture.carryOut(fixture.plan.actions)
        #expect(!fixture.titles.contains("end what waits for the lost leader"))
        // What came before the others had a new leader went to the old one, too.
        fixture.observation.hasNewLeader = true
        #expect(fixture.titles.contains("end what waits for the lost leader"))
        // One that has handed over has nothing to wait for.
        var gentle = try evacuated(0, dead: false)
        gentle.observation.recentLeaders = ["etcd-z-a"]
        #expect(try !gentle.run().flatMap(\.self).contains("end what waits for the lost leader"))
    }

    // MARK: Single instances

    @Test func aDeadMemberIsFencedOff() throws {
        var fixture = try PlannerFixture.whole()
        fixture.observation.isolatedInstances = ["etcd-z-b"]
        fixture.silence("etcd-z-b")
        #expect(fixture.titles == ["fence off 100.66.0.4"])
        fixture.carryOut(fixture.plan.actions)
        fixture.silence("etcd-z-b")
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons == ["Isolated"] && fixture.plan.outlook == .degraded)
        fixture.observation.isolatedInstances = []
        #expect(fixture.titles == ["lift the fence"])
    }

    /// Only by answering it comes back, and it cannot answer while nothing of it runs.
    @Test func aDeadMemberThatIsStoppedIsStarted() throws {
        var fixture = try PlannerFixture.whole()
        fixture.observation.isolatedInstances = ["etcd-z-b"]
        fixture.silence("etcd-z-b")
        fixture.change("etcd-z-b") { $0.state = .stopped }
        #expect(fixture.titles == ["fence off 100.66.0.4", "start instance etcd-z-b"])
        #expect(fixture.ownViolations.isEmpty)
    }

    /// It answers before it votes: without the other voter there would be no quorum to let it vote.
    @Test func aMemberThatJoinsIsNoMajority() throws {
        var fixture = try evacuated(1, dead: false)
        fixture.listMembers()
        fixture.change("etcd-z-c") { $0.isJoining = true }
        fixture.observation.membership?[2].isLearner = true
        fixture.remove("api-2")
        #expect(!fixture.titles.contains("retire instance etcd-z-b"))
        #expect(fixture.reasons.contains("EvacuationQuorum"))
        #expect(fixture.violations(of: [.retireInstance(fixture.instance("etcd-z-b"))]).map(\.number) == [1])
        fixture.observation.membership?[2].isLearner = false
        #expect(fixture.titles.contains("retire instance etcd-z-b"))
    }

    @Test func aDeadAPIServerLosesItsSessions() throws {
        var fixture = try PlannerFixture.whole()
        fixture.observation.isolatedInstances = ["api-1"]
        #expect(fixture.titles == ["fence off 100.66.0.8", "point the endpoint at api-1 (closed), api-2"])
        #expect(fixture.ownViolations.isEmpty)
        fixture.silence("api-1")
        #expect(fixture.reasons == ["Isolated"] && fixture.plan.outlook == .degraded)
    }

    /// It answers again and is cut off still, so a surplus one is needed until it is believed.
    @Test func nobodyLeavesForOneThatIsNotBelievedYet() throws {
        var fixture = try PlannerFixture.whole()
        fixture.addAPIServer(3, zones[2], ready: true)
        fixture.pointEndpoint()
        fixture.observation.isolatedInstances = ["api-1"]
        #expect(fixture.titles == ["fence off 100.66.0.8", "point the endpoint at api-1 (closed), api-2, api-3"])
        #expect(fixture.ownViolations.isEmpty)
        #expect(fixture.reasons.contains("MinimumReady"))
        fixture.observation.isolatedInstances = []
        #expect(fixture.titles == ["point the endpoint at api-1, api-2, api-3 (drain)"])
    }

    @Test func twoDeadMembersAreNotFencedOff() throws {
        var fixture = try PlannerFixture.whole()
        fixture.observation.isolatedInstances = ["etcd-z-a", "etcd-z-b"]
        #expect(!fixture.plan.actions.contains { if case .ensureFence = $0 { true } else { false } })
        #expect(fixture.reasons.contains("EvacuationQuorum"))
    }

    // MARK: Invariants

    @Test func theLeaderIsNotFencedOff() throws {
        let fixture = try PlannerFixture.whole()
        let fence = Action.ensureFence(fixture.intent.cluster, [fixture.address(of: fixture.instance("etcd-z-a"))])
        #expect(fixture.violations(of: [fence]).map(\.number) == [1])
    }

    @Test func nobodyOutOfServiceGetsTrafficOrLeads() throws {
        var fixture = try evacuated(0, dead: false)
        fixture.changeBackend("api-1") { $0.admission = .closed }
        let backends = [
            LoadBalancerSpec.Backend(name: "api-1", address: fixture.intent.spec.network.apiServers[0], admission: .ready),
            LoadBalancerSpec.Backend(name: "api-2", address: fixture.intent.spec.network.apiServers[1], admission: .ready),
        ]
        let balancer = LoadBalancerIntent(cluster: fixture.intent.cluster, network: fixture.intent.spec.network, backends: backends)
        #expect(fixture.violations(of: [.ensureLoadBalancer(balancer)]).map(\.number) == [5])
        fixture.lead("etcd-z-b")
        let move = Action.moveLeader(from: fixture.instance("etcd-z-b"), to: fixture.instance("etcd-z-a"))
        #expect(fixture.violations(of: [move]).map(\.number) == [5])
    }
}
