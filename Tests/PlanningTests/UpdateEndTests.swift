import FleetModel
import Planning
import Substrate
import Testing

/// When an update has ended, and what it does not wait for.
@Suite struct UpdateEndTests {
    /// A new etcd that stands still most of the time is found dead, and answers now and then: it is not waited for.
    @Test func aMemberThatIsFencedOffGoesBack() throws {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2")
        fixture.carryOut(fixture.plan.actions)
        let member = try #require(
            fixture.observation.substrate.instances.first { $0.role == .etcd && $0.release == fixture.intent.spec.etcdRelease })
        fixture.observation.isolatedInstances = [member.id.name]
        fixture.observation.substrate.fenced = [member.address]
        #expect(!fixture.titles.contains("replace instance \(member.id.name)"))
        fixture.goBack()
        #expect(fixture.titles.contains("replace instance \(member.id.name)"), "\(fixture.titles)")
        #expect(fixture.titles.count { $0.hasPrefix("replace instance etcd") } == 1)
        #expect(fixture.violations(of: fixture.plan.actions).isEmpty)
    }

    /// Only flags of API servers change; the new ones serve, and the old ones have gone.
    private func through() throws -> PlannerFixture {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.1", etcd: false)
        fixture.intent.spec.apiServerRevision += 1
        for name in ["api-1", "api-2"] { fixture.change(name) { $0.configurationRevision += 1 } }
        return fixture
    }

    @Test func aBrokenMemberDoesNotHoldWhatIsAboutAPIServers() throws {
        var fixture = try through()
        #expect(fixture.verdict == .ended)
        fixture.silence("etcd-z-b")
        fixture.observation.isolatedInstances = ["etcd-z-b"]
        fixture.observation.substrate.fenced = [fixture.address(of: fixture.instance("etcd-z-b"))]
        fixture.observation.unreadySeconds["etcd-z-b"] = 30
        #expect(fixture.plan.outlook == .degraded && !fixture.plan.waits.isEmpty)
        #expect(fixture.verdict == .ended)
        // An API server that does not serve does.
        fixture.silence("api-2")
        #expect(fixture.verdict == nil)
    }

    @Test func neitherDoesAZoneThatIsOutOfService() throws {
        var fixture = try through()
        fixture.observation.unavailableZones = [PlannerFixture.zones[2]]
        for _ in 0..<6 {
            fixture.carryOut(fixture.plan.actions)
            fixture.letTimePass()
        }
        #expect(fixture.reasons.contains("ZoneEvacuated"))
        #expect(fixture.verdict == .ended)
    }

    @Test func membersThatAreToBeExchangedDo() throws {
        var fixture = try through()
        fixture.intent.spec.etcdRelease = ReleaseID(rawValue: "1.33.4-eks.2")
        fixture.observation.unavailableZones = [PlannerFixture.zones[2]]
        for _ in 0..<6 {
            fixture.carryOut(fixture.plan.actions)
            fixture.letTimePass()
        }
        #expect(fixture.reasons.contains("EtcdQuorum"))
        #expect(fixture.verdict == nil)
    }

    /// On the way back a member of the new configuration is one that is not back yet, though nothing else is said of etcd.
    @Test func onTheWayBackMembersAreWhatTheyWereBeforeItEnds() throws {
        var fixture = try through()
        fixture.goBack()
        for name in ["api-1", "api-2"] { fixture.change(name) { $0.configurationRevision -= 1 } }
        #expect(fixture.verdict == .ended)
        fixture.silence("etcd-z-b")
        #expect(fixture.verdict == nil)
        fixture.intent.update?.troubled = ["etcd-z-b"]
        #expect(fixture.verdict == .ended)
        fixture.change("etcd-z-b") { $0.configurationRevision += 1 }
        #expect(fixture.verdict == nil)
    }

    /// The controller manager of a patch is exchanged after the check of the API server: it is looked at once more.
    @Test func whatRunsBesideAPatchedServerIsLookedAtSinceItsStart() throws {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2", etcd: false, strategy: .inPlace)
        for name in ["api-1", "api-2"] {
            fixture.change(name) {
                $0.release = ReleaseID(rawValue: "1.33.4-eks.2")
                $0.components = [ComponentObservation(kind: .controllerManager, isUp: true, processID: 1, seconds: 5)]
            }
            fixture.observation.trials[name, default: InstanceTrial()].pass(fixture.policy.update)
        }
        for name in PlannerFixture.controllers { fixture.observation.leads[name]?.seconds = 5 }
        #expect(fixture.titles.isEmpty && fixture.verdict == .ended)
        fixture.observation.trials["api-2"]?.secondsSinceCheck = 6
        #expect(fixture.titles == ["check api-2"] && fixture.verdict == nil)
        // It may yet be starting.
        fixture.change("api-2") { $0.components[0].seconds = 1 }
        #expect(fixture.titles.isEmpty && fixture.verdict == nil)
    }

    /// Those of before lead as long as they are there; then somebody of the new release has to.
    @Test func controllersOfTheNewReleaseHaveToLead() throws {
        var fixture = try through()
        let manager = "kube-controller-manager"
        for name in ["api-1", "api-2"] {
            fixture.change(name) { $0.components = [ComponentObservation(kind: .controllerManager, isUp: true, processID: 1, seconds: 30)] }
        }
        for (lead, verdict) in [
            (ControllerLead(instance: "api-1", seconds: 20), UpdateJudge.Verdict.ended),
            // Not for long enough; an instance that is gone; since before the process began, which so is that of before.
            (ControllerLead(instance: "api-1", seconds: 1), nil), (nil, nil), (ControllerLead(instance: "api-2", seconds: 100), nil),
        ] {
            fixture.observation.leads[manager] = lead
            #expect(fixture.verdict == verdict, "\(lead as Any)")
        }
        fixture.observation.leaderlessSeconds = fixture.policy.update.leadLimit + 1
        guard case .goBack(let reason, _) = fixture.verdict else {
            Issue.record("goes on")
            return
        }
        #expect(reason == "no kube-controller-manager of release 1.33.4-eks.1 has led within 60 s")
        // Without etcd nobody can.
        fixture.observation.health.etcdMembers = [:]
        #expect(fixture.verdict == nil)
        fixture.goBack()
        #expect(fixture.verdict == nil)
    }

    /// What a webhook of the cluster's owner does is no reason to keep an API server from serving.
    @Test func whatFailsThroughThoseOfBeforeAlikeKeepsNobodyOut() throws {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2", etcd: false)
        fixture.carryOut(fixture.plan.actions)
        for name in ["api-3", "api-4"] {
            var trial = InstanceTrial()
            (trial.commonFailure, trial.commonFailures, trial.secondsSinceCheck) = ("create: 500 no webhook", 2, 0)
            trial.commonFailingSeconds = fixture.policy.update.checkPatience + 1
            fixture.observation.trials[name] = trial
        }
        #expect(!fixture.titles.contains { $0.contains("load balancer") })
        #expect(fixture.plan.waits.contains { $0.reason == "OnTrial" && $0.message.contains("no webhook") })
        for name in ["api-3", "api-4"] { fixture.observation.trials[name]?.commonFailures = 3 }
        let balancer = fixture.plan.actions.compactMap { if case .ensureLoadBalancer(let wanted) = $0 { wanted } else { nil } }.first
        #expect(balancer?.backends.filter { $0.admission == .ready }.map(\.name).contains("api-3") == true)
        #expect(fixture.ownViolations.isEmpty)
    }

    @Test func whoseKMSPluginDoesNotWorkStaysOut() throws {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2", etcd: false)
        fixture.carryOut(fixture.plan.actions)
        for name in ["api-3", "api-4"] {
            for _ in 0..<2 { fixture.observation.trials[name, default: InstanceTrial()].pass(fixture.policy.update) }
        }
        fixture.letTimePass()
        fixture.observation.health.apiServers["api-3"]?.isSealing = false
        let wanted = fixture.plan.actions.compactMap { if case .ensureLoadBalancer(let wanted) = $0 { wanted } else { nil } }.first
        #expect(wanted?.backends.map(\.name) == ["api-1", "api-2", "api-4"])
        #expect(fixture.reasons.contains("KMSPluginDown"))
    }

    /// With version 1 of the KMS interface an API server asks for each secret's key as it starts.
    @Test func whoReadsManySealedSecretsMayStartForLonger() throws {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2")
        fixture.carryOut(fixture.plan.actions)
        fixture.silence("api-3")
        fixture.observation.unreadySeconds["api-3"] = fixture.policy.update.startLimit + 1
        #expect(fixture.verdict != nil)
        fixture.intent.asksPluginForEachSecret = true
        #expect(fixture.verdict == nil)
        fixture.observation.unreadySeconds["api-3"] = fixture.policy.update.sealedStartLimit + 1
        #expect(fixture.verdict != nil)
    }

    /// A member that stays as it is has ended at some time: that says nothing of what is new.
    @Test func anOldEndOfWhatStaysProlongsNothing() throws {
        var fixture = try through()
        fixture.addAPIServer(3, PlannerFixture.zones[0], ready: true)
        fixture.change("api-3") {
            $0.configurationRevision -= 1
            $0.hasStoppedControllers = true
        }
        fixture.pointEndpoint()
        fixture.changeBackend("api-3") { $0.admission = .drain }
        fixture.observation.drainingSeconds["api-3"] = 100
        for name in ["api-1", "api-2"] { fixture.observation.trials[name, default: InstanceTrial()].pass(fixture.policy.update) }
        fixture.observation.trials["etcd-z-b", default: InstanceTrial()].ends = ["etcd": 1]
        fixture.observation.readySeconds["etcd-z-b"] = 1
        #expect(fixture.titles == ["remove instance api-3"])
        fixture.observation.trials["api-2", default: InstanceTrial()].ends = ["kube-apiserver": 1]
        fixture.observation.readySeconds["api-2"] = 1
        #expect(fixture.titles.isEmpty && fixture.reasons == ["Baking"])
    }
}
