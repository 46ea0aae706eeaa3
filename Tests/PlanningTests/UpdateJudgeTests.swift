import FleetModel
import Planning
import Substrate
import Testing

@Suite struct UpdateJudgeTests {
    /// The new API servers and one new member run; nothing has traffic yet.
    private func begun() throws -> PlannerFixture {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2")
        fixture.carryOut(fixture.plan.actions)
        return fixture
    }

    private func reason(_ fixture: PlannerFixture) -> String? {
        if case .goBack(let reason, _, _) = fixture.verdict { reason } else { nil }
    }

    @Test func nothingIsDecidedWhileItGoesOn() throws {
        #expect(try begun().verdict == nil)
    }

    @Test func withoutAnUpdateNothingIsDecided() throws {
        #expect(try PlannerFixture.whole().verdict == nil)
    }

    @Test func oneThatDoesNotBecomeReady() throws {
        var fixture = try begun()
        fixture.silence("api-3")
        fixture.observation.unreadySeconds["api-3"] = fixture.policy.update.startLimit - 1
        #expect(fixture.verdict == nil)
        fixture.observation.unreadySeconds["api-3"] = fixture.policy.update.startLimit + 1
        #expect(reason(fixture)?.contains("api-3") == true)
        // An old one is no sign.
        fixture.observation.unreadySeconds = ["api-1": 1000]
        #expect(fixture.verdict == nil)
    }

    @Test func oneThatEndsAgainAndAgain() throws {
        var fixture = try begun()
        fixture.observation.trials["api-4", default: InstanceTrial()].ends = ["kube-apiserver": 1]
        #expect(fixture.verdict == nil)
        fixture.observation.trials["api-4"]?.ends = ["kube-apiserver": 2]
        #expect(reason(fixture)?.contains("kube-apiserver of release 1.33.4-eks.2 on api-4") == true)
    }

    @Test func whatLosesItsLeaseIsNoSign() throws {
        var fixture = try begun()
        fixture.observation.trials["api-4", default: InstanceTrial()].ends = ["kube-scheduler": 3]
        #expect(fixture.verdict == nil)
        fixture.observation.trials["api-4"]?.ends = ["kube-scheduler": 5]
        #expect(reason(fixture)?.contains("kube-scheduler") == true)
    }

    @Test func oneThatFailsTheCheck() throws {
        var fixture = try begun()
        fixture.observation.trials["api-3", default: InstanceTrial()].failure = "create: 500"
        fixture.observation.trials["api-3"]?.failures = 3
        fixture.observation.trials["api-3"]?.failingSeconds = fixture.policy.update.checkPatience + 1
        #expect(reason(fixture)?.contains("create: 500") == true)
        // Not while etcd has no quorum: then nobody could pass.
        fixture.observation.health.etcdMembers = [:]
        #expect(fixture.verdict == nil)
    }

    @Test func oneThatCannotBeMade() throws {
        var fixture = try begun()
        fixture.observation.trials["api-5", default: InstanceTrial()].failedStarts = 3
        fixture.observation.trials["api-5"]?.startFailure = "its SHA-256 is another"
        #expect(reason(fixture)?.contains("its SHA-256 is another") == true)
    }

    @Test func aFaultOfTheZoneIsNotTheReleasesFault() throws {
        var fixture = try begun()
        fixture.silence("api-3")
        fixture.observation.unreadySeconds["api-3"] = 1000
        fixture.observation.unavailableZones = [PlannerFixture.zones[0]]
        #expect(fixture.verdict == nil)
    }

    @Test func aMemberThatDoesNotJoinGoesBack() throws {
        var fixture = try begun()
        fixture.observation.health.etcdMembers["etcd-z-b"] = nil
        fixture.observation.unreadySeconds["etcd-z-b"] = 100
        guard case .goBack(let reason, _, let keepingEtcd) = fixture.verdict else {
            Issue.record("it goes on")
            return
        }
        #expect(reason.contains("etcd-z-b"))
        #expect(!keepingEtcd)
        fixture.goBack()
        // The quorum loses nothing by it, and the others stay.
        #expect(fixture.titles.filter { $0.hasPrefix("replace") } == ["replace instance etcd-z-b"])
        #expect(fixture.ownViolations.isEmpty)
    }

    @Test func etcdThatHasMovedOnStays() throws {
        var fixture = try begun()
        for zone in PlannerFixture.zones { fixture.change("etcd-\(zone)") { $0.release = ReleaseID(rawValue: "1.33.4-eks.2") } }
        fixture.observation.trials["api-3", default: InstanceTrial()].ends = ["kube-apiserver": 2]
        guard case .goBack(_, _, let keepingEtcd) = fixture.verdict else {
            Issue.record("it goes on")
            return
        }
        #expect(keepingEtcd)
        fixture.goBack(keepingEtcd: true)
        #expect(!fixture.titles.contains { $0.contains("etcd") })
        #expect(fixture.intent.spec.release.rawValue == "1.33.4-eks.1")
    }

    @Test func goingBackTakesTheNewOnesAwayAndLetsTheOldServe() throws {
        var fixture = try begun()
        fixture.silence("api-3")
        fixture.goBack()
        #expect(fixture.titles.contains("remove instance api-3"))
        #expect(fixture.titles.contains("remove instance api-4"))
        #expect(!fixture.titles.contains { $0.contains("drain") })
        #expect(fixture.ownViolations.isEmpty)
        for _ in 0..<20 where fixture.verdict != .ended {
            fixture.carryOut(fixture.plan.actions)
            fixture.letTimePass()
        }
        #expect(fixture.verdict == .ended)
        #expect(fixture.observation.substrate.instances.allSatisfy { $0.release.rawValue == "1.33.4-eks.1" })
    }

    @Test func drainedOldOnesTakeTrafficAtOnceWhenItGoesBack() throws {
        var fixture = try begun()
        for _ in 0..<6 {
            fixture.carryOut(fixture.plan.actions)
            for name in fixture.observation.trials.keys {
                fixture.observation.trials[name]?.passingSeconds = 60
                fixture.observation.trials[name]?.secondsSinceCheck = 60
            }
        }
        let drained = fixture.observation.substrate.loadBalancer?.backends.filter { $0.admission == .drain }.map(\.name)
        #expect(drained == ["api-1", "api-2"])
        fixture.goBack()
        #expect(fixture.titles.contains { $0.hasPrefix("point the endpoint at api-1, api-2") })
        #expect(fixture.ownViolations.isEmpty)
    }

    @Test func whatGoesBackIsNotJudgedAgain() throws {
        var fixture = try begun()
        fixture.goBack()
        fixture.observation.updateSeconds = 10_000
        fixture.observation.unreadySeconds["api-1"] = 1000
        #expect(fixture.verdict == nil)
    }

    @Test func oneThatNeverEnds() throws {
        var fixture = try begun()
        fixture.observation.updateSeconds = fixture.policy.update.limit + 1
        #expect(reason(fixture)?.contains("not finished") == true)
    }
}
