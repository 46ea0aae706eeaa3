import FleetModel
import Planning
import Substrate
import Testing

/// One member whose volume is gone or damaged is made anew from the others.
@Suite struct MemberRebuildTests {
    private let zones = PlannerFixture.zones

    private func lost(_ name: String = "etcd-z-b") throws -> PlannerFixture {
        var fixture = try PlannerFixture.whole()
        fixture.listMembers()
        fixture.observation.substrate.volumes.removeAll { $0.id.name == name }
        fixture.remove(name)
        return fixture
    }

    private func damaged(_ words: String) throws -> PlannerFixture {
        var fixture = try PlannerFixture.whole()
        fixture.listMembers()
        fixture.silence("etcd-z-b")
        fixture.observation.unreadySeconds["etcd-z-b"] = fixture.policy.rebuildAfter + 1
        fixture.change("etcd-z-b") {
            $0.components = [ComponentObservation(kind: .etcd, isUp: false, processID: nil, seconds: 0.4, lastWords: words)]
        }
        return fixture
    }

    private let way = [
        ["remove etcd-z-b from etcd's members"], ["add etcd-z-b to etcd's members as a learner"], ["make volume etcd-z-b"],
        ["start instance etcd-z-b"], ["make etcd-z-b a voting member"], ["replace instance etcd-z-b"],
    ]

    /// What `run` does, but that a settled world has members that are asked.
    private func rounds(_ fixture: inout PlannerFixture) throws -> [[String]] {
        var done: [[String]] = []
        for _ in 0..<20 {
            let plan = fixture.plan
            if let first = fixture.violations(of: plan.actions).first { throw first }
            if plan.actions.isEmpty { return done }
            done.append(plan.actions.map(\.title))
            fixture.carryOut(plan.actions)
        }
        return done
    }

    @Test func aLostVolumeIsMadeAnewFromTheOthers() throws {
        var fixture = try lost()
        #expect(try rounds(&fixture) == way)
        #expect(fixture.plan == Plan(outlook: .healthy))
    }

    @Test func damagedDataIsTakenAwayFirst() throws {
        var fixture = try damaged(#"{"level":"fatal","msg":"failed to read WAL, cannot be repaired","error":"walpb: crc mismatch"}"#)
        let steps = try rounds(&fixture)
        #expect(steps == [way[0], ["remove instance etcd-z-b"], ["remove volume etcd-z-b"]] + way.dropFirst())
    }

    @Test(arguments: [
        "listen tcp 100.66.0.4:2379: bind: address already in use", "no space left on device", "x509: certificate has expired",
    ])
    func otherTroubleCostsNoVolume(words: String) throws {
        let fixture = try damaged(#"{"level":"fatal","msg":"discovery failed","error":"\#(words)"}"#)
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons == ["EtcdNotHealthy"])
    }

    @Test func oneCrashIsNoDamage() throws {
        var fixture = try damaged("panic: freepages: failed to get all reachable pages")
        fixture.observation.unreadySeconds["etcd-z-b"] = fixture.policy.rebuildAfter - 1
        #expect(fixture.plan.actions.isEmpty)
    }

    @Test func theLeaderOnLostFilesHandsOverFirst() throws {
        var fixture = try PlannerFixture.whole()
        fixture.listMembers()
        fixture.observation.substrate.volumes.removeAll { $0.id.name == "etcd-z-a" }
        #expect(fixture.titles == ["move etcd leadership from etcd-z-a to etcd-z-b"])
        fixture.carryOut(fixture.plan.actions)
        #expect(fixture.titles == ["remove instance etcd-z-a"])
        #expect(fixture.ownViolations.isEmpty)
    }

    @Test func itTakesAllOthers() throws {
        var fixture = try lost()
        fixture.silence("etcd-z-c")
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons.contains("VolumeLost"))
    }

    @Test func oneAfterTheOther() throws {
        var fixture = try lost()
        fixture.observation.substrate.volumes.removeAll { $0.id.name == "etcd-z-c" }
        // Both run on files without names, so the others are healthy still.
        #expect(fixture.titles == ["remove etcd-z-b from etcd's members"])
        #expect(fixture.reasons == ["VolumeLost"])
    }

    @Test func withoutKnowingTheMembersNothingIsDone() throws {
        var fixture = try lost()
        fixture.observation.membership = nil
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons == ["VolumeLost"])
    }

    /// A manager may die after any step, and the step may have happened or not.
    @Test func everyPartCanBeContinued() throws {
        for var start in [try lost(), try damaged("walpb: crc mismatch")] {
            while !start.plan.actions.isEmpty {
                var fixture = start
                _ = try rounds(&fixture)
                #expect(fixture.plan == Plan(outlook: .healthy))
                start.carryOut(start.plan.actions)
            }
        }
    }

    @Test func inAnEvacuatedZoneItWaits() throws {
        var fixture = try lost()
        fixture.observation.unavailableZones = [zones[1]]
        #expect(!fixture.titles.contains { $0.contains("members") || $0.contains("volume") })
    }

    /// A joining member that votes is made anew once more: to serve clients, and so that it never again joins with an empty volume.
    @Test func aMemberThatHasJoinedServesClients() throws {
        var fixture = try PlannerFixture.whole()
        fixture.listMembers()
        fixture.change("etcd-z-b") { $0.isJoining = true }
        #expect(fixture.titles == ["replace instance etcd-z-b"])
        fixture.observation.membership?[1].isLearner = true
        #expect(fixture.titles == ["make etcd-z-b a voting member"])
        fixture.observation.membership = nil
        #expect(fixture.plan.actions.isEmpty)
    }

    // MARK: Invariants

    @Test func aVolumeGoesOnlyWhenItsMemberVotesNoMore() throws {
        var fixture = try PlannerFixture.whole()
        fixture.listMembers()
        let remove = Action.removeVolume(fixture.volume("etcd-z-b"))
        let make = Action.ensureVolume(VolumeSpec(id: fixture.volume("etcd-z-b"), zone: zones[1]))
        #expect(fixture.violations(of: [remove]).map(\.number) == [3])
        #expect(fixture.violations(of: [make]).map(\.number) == [6])
        fixture.observation.membership?.remove(at: 1)
        #expect(fixture.violations(of: [remove]).isEmpty)
        #expect(fixture.violations(of: [make]).map(\.number) == [6])
        fixture.carryOut(.addMember(fixture.instance("etcd-z-b"), fixture.address(of: fixture.instance("etcd-z-b"))))
        #expect(fixture.violations(of: [make]).isEmpty)
    }

    @Test func membershipsChangeOneByOneAndWithAllOthersHealthy() throws {
        var fixture = try PlannerFixture.whole()
        fixture.listMembers()
        let names = ["etcd-z-b", "etcd-z-c"].map { fixture.instance($0) }
        #expect(fixture.violations(of: [.removeMember(names[0])]).isEmpty)
        #expect(fixture.violations(of: names.map { .removeMember($0) }).map(\.number) == [1])
        fixture.silence("etcd-z-c")
        #expect(fixture.violations(of: [.removeMember(names[0])]).map(\.number) == [1])
    }
}
