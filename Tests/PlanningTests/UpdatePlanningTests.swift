import FleetModel
import Planning
import Substrate
import Testing

@Suite struct UpdatePlanningTests {
    private func updating(etcd: Bool = true) throws -> PlannerFixture {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2", etcd: etcd)
        return fixture
    }

    private func backends(_ fixture: PlannerFixture) -> [String: LoadBalancerSpec.Admission] {
        let seen = fixture.observation.substrate.loadBalancer?.backends ?? []
        return Dictionary(seen.map { ($0.name, $0.admission) }, uniquingKeysWith: { first, _ in first })
    }

    private func release(_ fixture: PlannerFixture, _ name: String) -> String? {
        fixture.observation.substrate.instances.first { $0.id.name == name }?.release.rawValue
    }

    /// Plans, holds the plan against the invariants, acts.
    private func step(_ fixture: inout PlannerFixture) throws {
        let plan = fixture.plan
        try #require(fixture.violations(of: plan.actions).isEmpty)
        fixture.carryOut(plan.actions)
    }

    /// Lets time pass between steps until nothing is left to do.
    private func finish(_ fixture: inout PlannerFixture, rounds: Int = 60) throws {
        for _ in 0..<rounds {
            if fixture.verdict == .ended { return }
            try step(&fixture)
            fixture.letTimePass()
        }
        Issue.record("not finished: \(fixture.titles) \(fixture.reasons)")
    }

    @Test func etcdAndAPIServersGoAtTheSameTime() throws {
        let fixture = try updating()
        #expect(fixture.titles == ["replace instance etcd-z-b", "start instance api-3", "start instance api-4"])
        #expect(fixture.ownViolations.isEmpty)
    }

    @Test func newOnesComeInTheZonesOfTheOld() throws {
        let started = try updating().plan.actions.compactMap { action -> ZoneName? in
            if case .startInstance(let intent) = action { intent.zone } else { nil }
        }
        #expect(started == PlannerFixture.zones.prefix(2).map { $0 })
    }

    @Test func theSameEtcdStaysUntouched() throws {
        var fixture = try updating(etcd: false)
        #expect(fixture.titles == ["start instance api-3", "start instance api-4"])
        try finish(&fixture)
        #expect(release(fixture, "etcd-z-a") == "1.33.4-eks.1")
        #expect(release(fixture, "api-3") == "1.33.4-eks.2")
    }

    @Test func flagsOfAPIServersDoNotTouchEtcd() throws {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.1", etcd: false)
        fixture.intent.spec.apiServerRevision += 1
        #expect(fixture.titles == ["start instance api-3", "start instance api-4"])
    }

    @Test func theWholeWay() throws {
        var fixture = try updating()
        try finish(&fixture)
        #expect(fixture.observation.substrate.instances.allSatisfy { $0.release.rawValue == "1.33.4-eks.2" })
        #expect(backends(fixture) == ["api-3": .ready, "api-4": .ready])
    }

    /// What is found out after the end: with one more API server and other flags since then, which stay.
    @Test(arguments: [UpdateIntent.Strategy.blueGreen, .inPlace], [false, true])
    func whatWasTakenForGoodIsTakenBack(strategy: UpdateIntent.Strategy, hasMovedEtcd: Bool) throws {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2", strategy: strategy)
        fixture.intent.update?.changesEtcdStorage = hasMovedEtcd
        for _ in 0..<60 where fixture.verdict != .ended {
            if fixture.verdict == .etcdMovesOn { fixture.intent.update?.hasMovedEtcd = true }
            try step(&fixture)
            fixture.letTimePass()
        }
        #expect(fixture.verdict == .ended && fixture.intent.update?.hasMovedEtcd == hasMovedEtcd)
        fixture.beginProving()
        fixture.intent.spec.apiServerCount += 1
        fixture.intent.spec.apiServerRevision += 1
        for _ in 0..<20 {
            try step(&fixture)
            fixture.letTimePass()
        }
        #expect(fixture.plan.actions.isEmpty && fixture.verdict == nil)
        fixture.takeBack()
        #expect(fixture.intent.spec.release.rawValue == "1.33.4-eks.1")
        try finish(&fixture)
        let instances = fixture.observation.substrate.instances
        let servers = instances.filter { $0.role == .apiServer }
        #expect(servers.count == 3 && servers.allSatisfy { $0.release.rawValue == "1.33.4-eks.1" && $0.configurationRevision == 2 })
        let etcd = hasMovedEtcd ? "1.33.4-eks.2" : "1.33.4-eks.1"
        #expect(instances.allSatisfy { $0.role != .etcd || $0.release.rawValue == etcd })
    }

    @Test func noTrafficWithoutAPassedCheck() throws {
        var fixture = try updating(etcd: false)
        try step(&fixture)
        #expect(fixture.titles == ["check api-3", "check api-4"])
        #expect(fixture.reasons.contains("OnTrial"))
        #expect(backends(fixture) == ["api-1": .ready, "api-2": .ready])
        try step(&fixture)
        // Once is not enough.
        fixture.observation.trials["api-3"]?.secondsSinceCheck = 10
        #expect(fixture.titles == ["check api-3"])
        // To let one in all the same is seen by the invariants.
        let all = fixture.observation.substrate.instances.filter { $0.role == .apiServer }
        fixture.observation.trials = [:]
        let early = Action.ensureLoadBalancer(
            LoadBalancerIntent(
                cluster: fixture.intent.cluster, network: fixture.intent.spec.network,
                backends: all.map { .init(name: $0.id.name, address: $0.address, admission: .ready) }))
        #expect(fixture.violations(of: [early]).contains { $0.number == 2 })
    }

    @Test func oldOnesStayDrainedUntilTheNewOnesHaveServed() throws {
        var fixture = try updating(etcd: false)
        try step(&fixture)
        for _ in 0..<3 {
            try step(&fixture)
            fixture.letTimePass()
        }
        // In, and the old are drained in the step after.
        try step(&fixture)
        #expect(backends(fixture) == ["api-1": .drain, "api-2": .drain, "api-3": .ready, "api-4": .ready])
        try step(&fixture)
        fixture.observation.drainingSeconds = ["api-1": 1, "api-2": 1]
        #expect(fixture.reasons.contains("Baking"))
        #expect(!fixture.titles.contains("remove instance api-1"))
        fixture.observation.drainingSeconds = ["api-1": 100, "api-2": 100]
        #expect(!fixture.reasons.contains("Baking"))
        // What has ended once may do so again.
        fixture.observation.trials["api-3", default: InstanceTrial()].ends = ["kube-apiserver": 1]
        fixture.observation.readySeconds["api-3"] = 20
        #expect(fixture.reasons.contains("Baking"))
        fixture.observation.readySeconds["api-3"] = fixture.policy.update.bakeAfterEnd
        #expect(!fixture.reasons.contains("Baking"))
        // One that stops serving brings them back.
        fixture.silence("api-3")
        try step(&fixture)
        #expect(backends(fixture)["api-1"] == .ready)
    }

    /// Those of the new release lead while going back is no more than a word to the endpoint.
    @Test func oldControllersEndWhenNobodyNewIsSentToTheirServers() throws {
        var fixture = try updating(etcd: false)
        let manager = "kube-controller-manager"
        func stopped(_ fixture: PlannerFixture) -> [String] {
            fixture.observation.substrate.instances.filter(\.hasStoppedControllers).map(\.id.name)
        }
        while backends(fixture)["api-1"] != .drain {
            #expect(stopped(fixture).isEmpty && !fixture.observation.hasOnlyNewControllers(fixture.intent))
            try step(&fixture)
            fixture.letTimePass()
        }
        fixture.observation.drainingSeconds = ["api-1": 1, "api-2": 1]
        #expect(
            fixture.titles.filter { $0.hasPrefix("end the controllers") } == [
                "end the controllers on api-1", "end the controllers on api-2",
            ])
        try step(&fixture)
        #expect(stopped(fixture) == ["api-1", "api-2"] && fixture.observation.hasOnlyNewControllers(fixture.intent))
        #expect(!fixture.titles.contains { $0.hasPrefix("end the controllers") })
        // They stay at hand until somebody of the new release has led for a while, and take over again when nobody does.
        fixture.observation.leads[manager]?.seconds = 1
        fixture.observation.drainingSeconds = ["api-1": 100, "api-2": 100]
        #expect(fixture.plan.waits.contains { $0.reason == "Baking" && $0.message.contains("kube-controller-manager") })
        #expect(!fixture.titles.contains("remove instance api-1"))
        var bad = fixture
        bad.observation.leaderlessSeconds = bad.policy.update.leadLimit + 1
        guard case .goBack = bad.verdict else {
            Issue.record("goes on")
            return
        }
        bad.goBack()
        #expect(bad.titles.contains("start the controllers on api-1 again"))
        try step(&bad)
        #expect(stopped(bad).isEmpty)
        // So they do when a new one stops serving.
        var fewer = fixture
        fewer.silence("api-3")
        #expect(fewer.titles.contains("start the controllers on api-1 again"))
        // But not of one that goes, nor where nobody answers.
        fixture.observation.leads[manager]?.seconds = 10
        #expect(fixture.titles.contains("remove instance api-1") && !fixture.titles.contains { $0.contains("controllers") })
        fewer.observation.isolatedInstances = ["api-1"]
        #expect(!fewer.titles.contains("start the controllers on api-1 again"))
    }

    /// That they were told to end says nothing: one that runs may lead.
    @Test func controllersThatRunThoughTheyWereToldToEndAreToldAgain() throws {
        var fixture = try updating(etcd: false)
        while backends(fixture)["api-1"] != .drain {
            try step(&fixture)
            fixture.letTimePass()
        }
        try step(&fixture)
        #expect(fixture.observation.hasOnlyNewControllers(fixture.intent))
        fixture.change("api-1") { $0.components = [ComponentObservation(kind: .scheduler, isUp: true, processID: 7, seconds: 90)] }
        fixture.observation.drainingSeconds = ["api-1": 1, "api-2": 1]
        #expect(!fixture.observation.hasOnlyNewControllers(fixture.intent))
        #expect(fixture.titles.contains("end the controllers on api-1"))
        // Nor does one lead for the update that is not of it.
        fixture.change("api-1") { $0.components = [] }
        fixture.observation.leads["kube-scheduler"] = ControllerLead(instance: "api-1", seconds: 60)
        #expect(fixture.observation.leaderlessController(fixture.intent, fixture.policy.update) == .scheduler)
        // Of one that was found dead nobody waits for anything.
        fixture.observation.leads["kube-scheduler"] = nil
        fixture.change("api-1") {
            $0.hasStoppedControllers = false
            $0.components = [ComponentObservation(kind: .scheduler, isUp: true, processID: 7, seconds: 90)]
        }
        fixture.observation.isolatedInstances = ["api-1"]
        #expect(fixture.observation.hasOnlyNewControllers(fixture.intent))
        fixture.changeBackend("api-1") { $0.admission = .closed }
        #expect(fixture.titles.contains("remove instance api-1"))
    }

    /// The new API servers serve, and those of before, with these addresses, are at hand.
    private func handedOver() throws -> (PlannerFixture, old: Set<IPv4Address>) {
        var fixture = try updating(etcd: false)
        for _ in 0..<4 {
            try step(&fixture)
            fixture.letTimePass()
        }
        return (fixture, Set(fixture.observation.substrate.instances.filter { $0.release.rawValue == "1.33.4-eks.1" }.map(\.address)))
    }

    /// With which the checks of the new ones are compared.
    private func baselines(_ fixture: PlannerFixture) -> [ServerAddress] {
        fixture.plan.actions.compactMap { if case .checkInstance(_, _, let baseline) = $0 { baseline } else { nil } }
    }

    /// The check of a new one is compared with one of before whose controllers have ended: what the new one's say counts all the same.
    @Test func theBaselineIsLookedAtWithoutControllersThatHaveEnded() throws {
        var (fixture, old) = try handedOver()
        var found = baselines(fixture)
        #expect(found.count == 2 && found.allSatisfy { old.contains($0.address) && $0.hasControllers })
        for name in ["api-1", "api-2"] { fixture.change(name) { $0.hasStoppedControllers = true } }
        found = baselines(fixture)
        #expect(found.count == 2 && found.allSatisfy { old.contains($0.address) && !$0.hasControllers })
    }

    /// Also where those of before come last, as in every second update.
    @Test func theBaselineIsOneOfBefore() throws {
        var (fixture, old) = try handedOver()
        fixture.observation.substrate.instances.sort { $0.release.rawValue > $1.release.rawValue }
        let found = baselines(fixture)
        #expect(found.count == 2 && found.allSatisfy { old.contains($0.address) })
    }

    @Test func theLastControllersDoNotEnd() throws {
        let fixture = try updating()
        let all = ["api-1", "api-2"].map { Action.stopControllers(fixture.instance($0)) }
        #expect(fixture.violations(of: [all[0]]).isEmpty)
        #expect(fixture.violations(of: all).map(\.number) == [2, 2])
    }

    @Test func theNextMemberWaitsForTheLastOne() throws {
        var fixture = try updating()
        try step(&fixture)
        fixture.observation.readySeconds["etcd-z-b"] = 0.5
        #expect(!fixture.titles.contains { $0.hasPrefix("replace") || $0.hasPrefix("move") })
        #expect(fixture.reasons.contains("OnTrial"))
        fixture.observation.health.etcdMembers["etcd-z-b"] = nil
        #expect(fixture.reasons.contains("EtcdQuorum"))
        fixture.settle()
        fixture.observation.readySeconds["etcd-z-b"] = 5
        #expect(fixture.titles.contains("replace instance etcd-z-c"))
        // It has ended once: the next one is not begun with before it has stood for longer.
        fixture.observation.trials["etcd-z-b", default: InstanceTrial()].ends = ["etcd": 1]
        #expect(!fixture.titles.contains("replace instance etcd-z-c"))
        fixture.observation.readySeconds["etcd-z-b"] = fixture.policy.update.bakeAfterEnd
        #expect(fixture.titles.contains("replace instance etcd-z-c"))
    }

    @Test func theLeaderHandsOverBeforeItStops() throws {
        var fixture = try updating()
        try step(&fixture)
        fixture.letTimePass()
        try step(&fixture)
        fixture.letTimePass()
        #expect(fixture.titles.contains("move etcd leadership from etcd-z-a to etcd-z-b"))
        #expect(!fixture.titles.contains("replace instance etcd-z-a"))
    }

    @Test func noMemberIsReplacedWhileAZoneIsOut() throws {
        var fixture = try updating()
        fixture.observation.unavailableZones = [PlannerFixture.zones[2]]
        fixture.observation.substrate.instances.removeAll { $0.id.name == "etcd-z-c" }
        fixture.observation.health.etcdMembers["etcd-z-c"] = nil
        #expect(!fixture.titles.contains { $0.hasPrefix("replace") })
        #expect(fixture.reasons.contains("EtcdQuorum") || fixture.reasons.contains("ZoneOutOfService"))
    }

    @Test func oneOnTrialLeavesAnEvacuatedZoneWithoutEverGettingTraffic() throws {
        var fixture = try updating(etcd: false)
        try step(&fixture)
        fixture.observation.unavailableZones = [PlannerFixture.zones[0]]
        #expect(fixture.ownViolations.isEmpty)
        #expect(fixture.titles.contains("remove instance api-3"))
        #expect(!fixture.titles.contains { $0.hasPrefix("point") && $0.contains("api-3") })
        // One that is not ready yet is cut off.
        fixture.silence("api-3")
        #expect(fixture.ownViolations.isEmpty)
        #expect(fixture.titles.first == "fence off \(fixture.intent.spec.network.apiServers[2])")
    }

    // MARK: In place

    private func patching() throws -> PlannerFixture {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2", etcd: false, strategy: .inPlace)
        return fixture
    }

    private let beside = ["api-1", "api-2"].map { "start an API server of 1.33.4-eks.2 beside that of \($0)" }

    private func takesOver(_ name: String) -> String { "let the API server of 1.33.4-eks.2 on \(name) take over" }

    /// Second ones start at the same time, each is checked, and one after the other takes over; the endpoint is told nothing.
    @Test func aPatchTakesOneAtATime() throws {
        var fixture = try patching()
        #expect(fixture.titles == beside)
        try step(&fixture)
        #expect(fixture.titles == ["check the second API server on api-1", "check the second API server on api-2"])
        #expect(fixture.reasons == ["OnTrial", "OnTrial"])
        try step(&fixture)
        #expect(fixture.titles == [takesOver("api-1")])
        try step(&fixture)
        // Not before the first one serves.
        fixture.silence("api-1")
        #expect(!fixture.titles.contains(takesOver("api-2")) && fixture.reasons.contains("MinimumReady"))
        fixture.settle()
        #expect(fixture.titles == [takesOver("api-2")])
        try step(&fixture)
        // Which takes a while, and nobody waits for it.
        #expect(fixture.titles == ["end the first API server on api-1", "end the first API server on api-2"])
        try finish(&fixture)
        #expect(fixture.observation.substrate.instances.filter { $0.role == .apiServer }.map(\.id.name).sorted() == ["api-1", "api-2"])
        #expect(release(fixture, "api-2") == "1.33.4-eks.2" && backends(fixture) == ["api-1": .ready, "api-2": .ready])
    }

    @Test func nobodyTakesOverBeforeAllAreFit() throws {
        var fixture = try patching()
        try step(&fixture)
        fixture.observation.health.apiServers["api-2+next"] = nil
        #expect(fixture.titles == ["check the second API server on api-1"] && fixture.reasons.contains("StandbyNotReady"))
        try step(&fixture)
        fixture.observation.trials["api-2+next"] = nil
        #expect(fixture.titles == ["check the second API server on api-2"])
        fixture.observation.trials["api-2+next", default: InstanceTrial()].failure = "create: 500"
        #expect(fixture.reasons == ["CheckFails"] && !fixture.titles.contains(takesOver("api-1")))
    }

    @Test func aPatchThatGoesBackEndsWhatWasBegunAndBringsTheOldOneBack() throws {
        var fixture = try patching()
        for _ in 0..<3 { try step(&fixture) }
        #expect(release(fixture, "api-1") == "1.33.4-eks.2")
        fixture.goBack()
        #expect(fixture.titles == ["end the second API server on api-2", "end the first API server on api-1"])
        try step(&fixture)
        #expect(fixture.titles == ["start an API server of 1.33.4-eks.1 beside that of api-1"])
        try finish(&fixture)
        #expect(release(fixture, "api-1") == "1.33.4-eks.1" && release(fixture, "api-2") == "1.33.4-eks.1")
        #expect(fixture.observation.substrate.instances.allSatisfy { $0.standby == nil })
    }

    /// In the way of a promotion that its standby is not fit for.
    @Test func aPromotionOfWhatIsNotProvenIsAViolation() throws {
        var fixture = try patching()
        try step(&fixture)
        let promotion = fixture.plan.actions.compactMap { action -> Action? in
            guard case .checkInstance(let id, let address, _) = action, id.holder.name == "api-1" else { return nil }
            return .promoteStandby(
                InstanceIntent(
                    id: id.holder, role: .apiServer, zone: PlannerFixture.zones[0], size: fixture.intent.spec.apiServerSize,
                    network: fixture.intent.spec.network, address: address.address, volume: nil, release: fixture.intent.spec.release,
                    configurationRevision: fixture.intent.spec.revision(of: .apiServer)))
        }
        #expect(promotion.count == 1 && fixture.violations(of: promotion).map(\.number) == [2])
        try step(&fixture)
        #expect(fixture.violations(of: promotion).isEmpty)
    }

    /// One that differs in more than its release is exchanged as by any other update.
    @Test func whatCannotBePatchedGetsANewInstanceBesideIt() throws {
        var fixture = try patching()
        fixture.change("api-2") { $0.configurationRevision = 0 }
        #expect(fixture.titles == ["start instance api-3", beside[0]])
        try finish(&fixture)
        #expect(fixture.observation.substrate.instances.filter { $0.role == .apiServer }.map(\.id.name).sorted() == ["api-1", "api-3"])
    }

    /// What was begun may not have been finished: the service was killed.
    @Test func aStandbyThatDoesNotRunIsStartedOnceMore() throws {
        var fixture = try patching()
        try step(&fixture)
        fixture.observation.health.apiServers["api-2+next"] = nil
        fixture.change("api-2") { $0.standby?.component.isUp = false }
        #expect(fixture.titles == ["check the second API server on api-1", beside[1]])
    }

    /// It has its place behind the endpoint, and nobody has checked the new release.
    @Test func oneThatIsStoppedStartsAsItWas() throws {
        var fixture = try patching()
        try step(&fixture)
        fixture.change("api-1") {
            $0.state = .stopped
            $0.standby = nil
        }
        fixture.silence("api-1")
        let starts = fixture.plan.actions.compactMap { action -> ReleaseID? in
            if case .startInstance(let intent) = action { intent.release } else { nil }
        }
        #expect(starts.map(\.rawValue) == ["1.33.4-eks.1"])
        fixture.goBack()
        #expect(fixture.titles.contains("start instance api-1"))
    }

    @Test func whoWasFoundDeadIsToldNothing() throws {
        var fixture = try patching()
        for _ in 0..<3 { try step(&fixture) }
        fixture.observation.isolatedInstances = ["api-1", "api-2"]
        fixture.goBack()
        #expect(!fixture.titles.contains { $0.hasPrefix("end the") || $0.hasPrefix("let the") || $0.hasPrefix("start an") })
    }

    @Test func theFirstServerStaysWhileTheSecondDoesNotServe() throws {
        var fixture = try patching()
        for _ in 0..<3 { try step(&fixture) }
        fixture.silence("api-1")
        #expect(!fixture.titles.contains("end the first API server on api-1"))
        fixture.goBack()
        #expect(fixture.titles.contains("end the first API server on api-1"))
    }

    /// A check that fails through everybody says nothing, and does not keep a cluster on a release that it is to leave.
    @Test func theWayBackDoesNotWaitForACheckThatSaysNothing() throws {
        var fixture = try patching()
        for _ in 0..<4 { try step(&fixture) }
        fixture.goBack()
        try step(&fixture)
        try step(&fixture)
        #expect(fixture.titles.contains("check the second API server on api-1"))
        fixture.observation.trials["api-1+next", default: InstanceTrial()].secondsSinceCheck = 0
        fixture.observation.trials["api-2+next", default: InstanceTrial()].secondsSinceCheck = 0
        #expect(fixture.titles == ["let the API server of 1.33.4-eks.1 on api-1 take over"] && fixture.ownViolations.isEmpty)
    }

    // MARK: One after the other

    @Test func etcdWaitsForTheAPIServersWhereThatIsAskedFor() throws {
        var fixture = try PlannerFixture.whole()
        fixture.update(to: "1.33.4-eks.2", strategy: .sequential)
        #expect(fixture.titles == ["start instance api-3", "start instance api-4"] && fixture.reasons.contains("APIServersFirst"))
        for _ in 0..<20 where fixture.observation.substrate.instances.contains(where: { $0.id.name == "api-1" }) {
            #expect(release(fixture, "etcd-z-b") == "1.33.4-eks.1")
            try step(&fixture)
            fixture.letTimePass()
        }
        #expect(fixture.titles.first == "replace instance etcd-z-b")
        try finish(&fixture)
        #expect(release(fixture, "etcd-z-a") == "1.33.4-eks.2")
    }

    @Test func aPatchGoesOnWhileAnotherDoesNotServe() throws {
        var fixture = try patching()
        fixture.silence("api-2")
        #expect(fixture.titles == beside)
    }

    @Test func aStandbyThatNobodyWantsGoes() throws {
        var fixture = try PlannerFixture.whole()
        let server = ComponentObservation(kind: .apiServer, isUp: true, processID: 1, seconds: 1)
        fixture.change("api-1") { $0.standby = StandbyServer(release: ReleaseID(rawValue: "1.33.4-eks.9"), component: server, port: 6444) }
        #expect(fixture.titles == ["end the second API server on api-1"])
    }
}
