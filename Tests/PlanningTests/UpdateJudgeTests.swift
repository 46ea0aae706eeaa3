import FleetModel
import Foundation
import Planning
import Substrate
import Testing

/// An etcd member as the planner would start it.
private enum EtcdStart {
    static func of(_ zone: String, in fixture: PlannerFixture) -> InstanceIntent {
        let (zone, spec) = (ZoneName(rawValue: zone), fixture.intent.spec)
        let name = "etcd-\(zone)"
        return InstanceIntent(
            id: fixture.instance(name), role: .etcd, zone: zone, size: spec.etcdSize, network: spec.network,
            address: fixture.address(of: fixture.instance(name)), volume: fixture.volume(name), release: spec.etcdRelease,
            configurationRevision: spec.revision(of: .etcd))
    }
}

@Suite struct UpdateJudgeTests {
    /// The new API servers and one new member run; nothing has traffic yet.
    private func begun() throws -> PlannerFixture {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2")
        fixture.carryOut(fixture.plan.actions)
        return fixture
    }

    private func reason(_ fixture: PlannerFixture) -> String? {
        if case .goBack(let reason, _) = fixture.verdict { reason } else { nil }
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
        expectStartLimit(\.unreadySeconds, fixture, says: "api-3")
    }

    /// So long a new API server may be in that state, and no longer.
    private func expectStartLimit(
        _ seconds: WritableKeyPath<ControlPlaneObservation, [String: Double]>, _ begun: PlannerFixture, says words: String
    ) {
        var fixture = begun
        fixture.observation[keyPath: seconds]["api-3"] = fixture.policy.update.startLimit - 1
        #expect(fixture.verdict == nil)
        fixture.observation[keyPath: seconds]["api-3"] = fixture.policy.update.startLimit + 1
        #expect(reason(fixture)?.contains(words) == true)
        // An old one is no sign.
        fixture.observation[keyPath: seconds] = ["api-1": 1000]
        #expect(fixture.verdict == nil)
    }

    @Test func aMemberThatIsSlow() throws {
        var fixture = try begun()
        let member = try #require(
            fixture.observation.substrate.instances.first { $0.role == .etcd && $0.release == fixture.intent.spec.etcdRelease })
        fixture.observation.trials[member.id.name, default: InstanceTrial()].recentFailures = 3
        #expect(fixture.verdict == nil)
        fixture.letTimePass()
        #expect(!fixture.titles.contains { $0.hasPrefix("replace instance etcd") }, "the next one waits for it")
        fixture.observation.trials[member.id.name]?.recentFailures = 4
        #expect(reason(fixture)?.contains("\(member.id.name) on release 1.33.4-eks.2 is slow") == true)
    }

    @Test func oneWhoseKMSPluginDoesNothing() throws {
        expectStartLimit(\.unsealingSeconds, try begun(), says: "KMS plugin of api-3")
    }

    @Test func oneThatEndsAgainAndAgain() throws {
        var fixture = try begun()
        fixture.observation.trials["api-4", default: InstanceTrial()].ends = ["kube-apiserver": 1]
        #expect(fixture.verdict == nil)
        fixture.observation.trials["api-4"]?.ends = ["kube-apiserver": 2]
        #expect(reason(fixture)?.contains("kube-apiserver of release 1.33.4-eks.2 on api-4") == true)
    }

    @Test func oneThatEndsAfterTheUpdateIsTakenBack() throws {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2")
        for name in ["api-1", "api-2", "etcd-z-a"] {
            fixture.change(name) { $0.release = ReleaseID(rawValue: "1.33.4-eks.2") }
            fixture.observation.trials[name, default: InstanceTrial()].ends = ["kube-scheduler": 9]
        }
        fixture.beginProving()
        #expect(fixture.verdict == nil)
        fixture.observation.trials["etcd-z-a"]?.ends = ["etcd": 9]
        fixture.observation.trials["api-1"]?.ends = ["kube-apiserver": 1]
        #expect(fixture.verdict == nil, "once is chance")
        fixture.observation.trials["api-2"]?.ends = ["kube-apiserver": 1]
        guard case .takeBack(let reason) = fixture.verdict else {
            Issue.record("\(String(describing: fixture.verdict))")
            return
        }
        #expect(reason.contains("kube-apiserver of release 1.33.4-eks.2 has ended 2 times on api-1, api-2"))
        // Somebody kills them: each once is no sign.
        for name in ["api-1", "api-2"] { fixture.observation.trials[name]?.kills = ["kube-apiserver": 1] }
        #expect(fixture.verdict == nil)
        for name in ["api-1", "api-2"] {
            fixture.observation.trials[name]?.ends = ["kube-apiserver": 2]
            fixture.observation.trials[name]?.kills = ["kube-apiserver": 2]
        }
        #expect(fixture.verdict != nil)
        // A patch that was to mend them is not to blame.
        fixture.intent.proving?.update.troubled = ["api-1", "api-2"]
        #expect(fixture.verdict != nil, "these have only the names of those of before")
        fixture.intent.proving?.update.strategy = .inPlace
        #expect(fixture.verdict == nil)
        fixture.intent.proving?.update.troubled = []
        // Of those of before it says nothing.
        fixture.intent.spec.release = ReleaseID(rawValue: "1.33.4-eks.3")
        #expect(fixture.verdict == nil)
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
        // Nor while the zone was only found impaired.
        fixture.observation.unavailableZones = []
        #expect(reason(fixture) != nil)
        fixture.observation.impairedZones = [PlannerFixture.zones[0]]
        #expect(fixture.verdict == nil)
    }

    @Test func aMemberThatDoesNotJoinGoesBack() throws {
        var fixture = try begun()
        fixture.observation.health.etcdMembers["etcd-z-b"] = nil
        fixture.observation.unreadySeconds["etcd-z-b"] = 100
        #expect(reason(fixture)?.contains("etcd-z-b") == true)
        fixture.goBack()
        // The quorum loses nothing by it, and the others stay.
        #expect(fixture.titles.filter { $0.hasPrefix("replace") } == ["replace instance etcd-z-b"])
        #expect(fixture.ownViolations.isEmpty)
    }

    /// A bad member, and another one that has lost its volume: each would wait for the other.
    @Test func withoutAQuorumABadMemberGoesBackAllTheSame() throws {
        var fixture = try begun()
        fixture.goBack()
        fixture.silence("etcd-z-b")
        fixture.remove("etcd-z-c")
        fixture.observation.substrate.volumes.removeAll { $0.id.name == "etcd-z-c" }
        fixture.observation.health.etcdMembers["etcd-z-a"] = EtcdMemberHealth(isHealthy: false, isLeader: false)
        fixture.observation.unreadySeconds = ["etcd-z-a": 3, "etcd-z-b": 20, "etcd-z-c": 20]
        // It may be an election.
        #expect(!fixture.titles.contains { $0.hasPrefix("replace") })
        fixture.observation.unreadySeconds["etcd-z-a"] = 20
        #expect(fixture.titles.filter { $0.hasPrefix("replace") } == ["replace instance etcd-z-b"])
        #expect(fixture.ownViolations.isEmpty)
        // When nobody answers at all, it may be Slipway that hears nothing.
        fixture.silence("etcd-z-a")
        #expect(!fixture.titles.contains { $0.hasPrefix("replace") })
    }

    @Test func etcdThatHasMovedOnStays() throws {
        var fixture = try begun()
        for zone in PlannerFixture.zones { fixture.change("etcd-\(zone)") { $0.release = ReleaseID(rawValue: "1.33.4-eks.2") } }
        fixture.observation.trials["api-3", default: InstanceTrial()].ends = ["kube-apiserver": 2]
        #expect(reason(fixture) != nil)
        fixture.goBack(keepingEtcd: true)
        #expect(!fixture.titles.contains { $0.contains("etcd") })
        #expect(fixture.intent.spec.release.rawValue == "1.33.4-eks.1")
        // The etcd of before would refuse the data.
        var member = EtcdStart.of("z-a", in: fixture)
        #expect(!fixture.violations(of: [.startInstance(member)]).contains { $0.number == 4 })
        member.release = ReleaseID(rawValue: "1.33.4-eks.1")
        #expect(fixture.violations(of: [.startInstance(member)]).contains { $0.number == 4 })
    }

    /// A volume that is lost, or a cancellation of the same moment, must not make it forgotten that there is no way back.
    @Test func thatEtcdMovesOnIsWrittenBeforeTheLastMemberDoes() throws {
        var fixture = try begun()
        fixture.change("etcd-z-c") { $0.release = ReleaseID(rawValue: "1.33.4-eks.2") }
        fixture.lead("etcd-z-b")
        fixture.letTimePass()
        #expect(fixture.titles.contains("replace instance etcd-z-a"))
        #expect(fixture.verdict == .etcdMovesOn)
        // The last one may be one that is started only.
        var other = fixture
        other.listMembers()
        other.remove("etcd-z-a")
        #expect(other.titles.contains("start instance etcd-z-a"))
        #expect(other.verdict == .etcdMovesOn)
        fixture.intent.update?.hasMovedEtcd = true
        #expect(fixture.verdict == nil)
        // Within one minor there is always a way back.
        fixture.intent.update?.hasMovedEtcd = false
        fixture.intent.update?.changesEtcdStorage = false
        #expect(fixture.verdict == nil)
    }

    /// Without a member of before, which is removed to be made anew, all that are left have gone over.
    @Test func removingTheLastMemberOfBeforeMovesEtcdOn() throws {
        var fixture = try begun()
        fixture.change("etcd-z-c") { $0.release = ReleaseID(rawValue: "1.33.4-eks.2") }
        fixture.lead("etcd-z-b")
        fixture.letTimePass()
        fixture.listMembers()
        fixture.observation.substrate.volumes.removeAll { $0.id.name == "etcd-z-a" }
        fixture.remove("etcd-z-a")
        #expect(fixture.titles.contains("remove etcd-z-a from etcd's members"))
        #expect(fixture.verdict == .etcdMovesOn)
        // On the way back, too: then etcd stays on what was asked for.
        fixture.goBack()
        #expect(fixture.titles.contains("remove etcd-z-a from etcd's members"))
        #expect(fixture.verdict == .etcdMovesOn)
        let update = try #require(fixture.intent.update)
        var spec = ClusterSpec(controlPlane: fixture.intent.spec, settings: update.previousSettings)
        spec.update = update
        spec.noteMovedEtcd()
        #expect(spec.controlPlane.etcdRelease.rawValue == "1.33.4-eks.2" && spec.controlPlane.release.rawValue == "1.33.4-eks.1")
    }

    /// A new etcd that panics over what is in the log takes down two before anybody can tell.
    @Test func twoMembersThatEndAgainAndAgainDoNotWaitForEachOther() throws {
        var fixture = try begun()
        fixture.change("etcd-z-c") { $0.release = ReleaseID(rawValue: "1.33.4-eks.2") }
        fixture.goBack()
        for zone in ["z-b", "z-c"] {
            fixture.silence("etcd-\(zone)")
            fixture.observation.trials["etcd-\(zone)", default: InstanceTrial()].ends = ["etcd": 5]
        }
        fixture.observation.health.etcdMembers["etcd-z-a"] = EtcdMemberHealth(isHealthy: false, isLeader: false)
        fixture.observation.unreadySeconds = ["etcd-z-a": 20, "etcd-z-b": 20, "etcd-z-c": 20]
        #expect(fixture.titles.filter { $0.hasPrefix("replace") } == ["replace instance etcd-z-b"])
        #expect(fixture.ownViolations.isEmpty)
        // One that only does not answer may come back with what it knows.
        fixture.observation.trials = [:]
        #expect(!fixture.titles.contains { $0.hasPrefix("replace") })
    }

    @Test func whatIsNewHasToStandForAWhileBeforeItIsTakenForGood() throws {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2", etcd: false, strategy: .inPlace)
        for name in ["api-1", "api-2"] { fixture.change(name) { $0.release = ReleaseID(rawValue: "1.33.4-eks.2") } }
        // Patched ones have their place before their check.
        #expect(fixture.titles == ["check api-1", "check api-2"] && fixture.verdict == nil)
        for name in ["api-1", "api-2"] { fixture.observation.trials[name, default: InstanceTrial()].pass(fixture.policy.update) }
        fixture.observation.readySeconds["api-2"] = fixture.policy.update.trial - 1
        #expect(fixture.titles.isEmpty && fixture.verdict == nil)
        fixture.observation.readySeconds["api-2"] = fixture.policy.update.trial
        #expect(fixture.verdict == .ended)
        // What has ended once may do so again, when nobody looks any more.
        fixture.observation.trials["api-2", default: InstanceTrial()].ends = ["kube-scheduler": 1]
        #expect(fixture.verdict == .ended)
        fixture.observation.trials["api-2"]?.ends = ["kube-apiserver": 1]
        #expect(fixture.verdict == nil)
        fixture.observation.readySeconds["api-2"] = fixture.policy.update.bakeAfterEnd
        #expect(fixture.verdict == .ended)
    }

    /// Programs may yet end; where they stay the same, nothing new can.
    @Test func anotherReleaseHasToStandForLonger() throws {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2")
        for instance in fixture.observation.substrate.instances where instance.role != .loadBalancer {
            fixture.change(instance.id.name) { $0.release = ReleaseID(rawValue: "1.33.4-eks.2") }
        }
        fixture.intent.update?.hasMovedEtcd = true
        #expect(fixture.titles.isEmpty && fixture.verdict == .ended)
        fixture.observation.readySeconds["etcd-z-a"] = fixture.policy.update.releaseBake - 1
        #expect(fixture.verdict == nil)
    }

    /// A patched instance that was not well before: neither what was there nor what is started beside it is the release's doing.
    @Test func aStandbyWhereThereWasTroubleIsNoSign() throws {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2", etcd: false, strategy: .inPlace)
        fixture.carryOut(fixture.plan.actions)
        fixture.observation.trials["api-1+next", default: InstanceTrial()].ends = ["kube-apiserver": 2]
        #expect(
            fixture.verdict == .goBack(reason: "kube-apiserver of release 1.33.4-eks.2 on api-1 has ended 2 times", errorCode: "Unknown"))
        fixture.intent.update?.troubled = ["api-1"]
        #expect(fixture.verdict == nil)
    }

    @Test func whatRunsBesideAPatchedServerHasToStandToo() throws {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2", etcd: false, strategy: .inPlace)
        for name in ["api-1", "api-2"] {
            fixture.change(name) { $0.release = ReleaseID(rawValue: "1.33.4-eks.2") }
            fixture.observation.trials[name, default: InstanceTrial()].pass(fixture.policy.update)
        }
        #expect(fixture.verdict == .ended)
        for (isUp, seconds) in [(true, 1.0), (false, 60.0)] {
            let scheduler = ComponentObservation(kind: .scheduler, isUp: isUp, processID: 1, seconds: seconds)
            fixture.change("api-2") { $0.components = [scheduler] }
            #expect(fixture.verdict == nil)
        }
    }

    @Test func whatIsSlowNowAndThenIsNoGoodEither() throws {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2", etcd: false)
        fixture.carryOut(fixture.plan.actions)
        var trial = InstanceTrial()
        (trial.failure, trial.failures, trial.recentFailures) = ("get took 1.6 s", 1, UpdatePolicy.checkFailureLimit - 1)
        fixture.observation.trials["api-3"] = trial
        #expect(fixture.verdict == nil)
        fixture.observation.trials["api-3"]?.recentFailures += 1
        #expect(reason(fixture)?.contains("fails 4 of 10 checks") == true)
    }

    /// What was there before the update is not the release's doing; its time limit holds all the same.
    @Test func troubleOfBeforeIsNoSign() throws {
        var fixture = try PlannerFixture.whole()
        fixture.silence("etcd-z-b")
        fixture.update(to: "1.33.4-eks.2")
        fixture.intent.update?.troubled = ["etcd-z-b"]
        fixture.observation.unreadySeconds["etcd-z-b"] = 20
        // The quorum loses nothing by it.
        #expect(fixture.titles.contains("replace instance etcd-z-b"))
        fixture.change("etcd-z-b") { $0.release = ReleaseID(rawValue: "1.33.4-eks.2") }
        fixture.observation.unreadySeconds["etcd-z-b"] = 1000
        fixture.observation.trials["etcd-z-b", default: InstanceTrial()].ends = ["etcd": 5]
        fixture.observation.trials["etcd-z-b"]?.failedStarts = 5
        #expect(fixture.verdict == nil)
        fixture.observation.updateSeconds = fixture.policy.update.limit + 1
        #expect(reason(fixture)?.contains("not finished") == true)
        fixture.observation.updateSeconds = 0
        // But a program that is not what its release says is.
        fixture.observation.trials["etcd-z-b"]?.isStartFailureOfRelease = true
        #expect(reason(fixture)?.contains("cannot be started") == true)
        fixture.observation.trials["etcd-z-b"]?.isStartFailureOfRelease = false
        fixture.intent.update?.troubled = []
        #expect(reason(fixture) != nil)
    }

    @Test func whoIsNotWellIsKnownWhenAnUpdateBegins() throws {
        let fixture = try PlannerFixture.whole()
        var cluster = Cluster(
            name: fixture.intent.cluster, cell: CellName(rawValue: "a"), metadata: Metadata(uid: "u", createdAt: .distantPast),
            spec: ClusterSpec(
                controlPlane: fixture.intent.spec, settings: ClusterSettings(roleARN: "", subnetIDs: [], creatorARN: "")))
        let address = fixture.intent.spec.network.loadBalancer
        func summary(_ name: String, _ role: InstanceRole, _ state: String) -> InstanceSummary {
            InstanceSummary(name: name, role: role, zone: nil, address: address, release: nil, state: state, isLeader: false)
        }
        cluster.status.instances = [
            summary("etcd-z-a", .etcd, "ready"), summary("etcd-z-b", .etcd, "starting"), summary("api-1", .apiServer, "ready"),
            summary("api-2", .apiServer, "stopped"), summary("load-balancer", .loadBalancer, "stopped"),
        ]
        #expect(cluster.troubledInstances == ["etcd-z-b", "etcd-z-c", "api-2"])
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
