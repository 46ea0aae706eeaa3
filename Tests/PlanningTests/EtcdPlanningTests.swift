import FleetModel
import Planning
import Substrate
import Testing

@Suite struct EtcdPlanningTests {
    /// Raised configuration, API servers already there, so that only etcd is left to do.
    private func outdated() throws -> PlannerFixture {
        var fixture = try PlannerFixture.whole()
        fixture.intent.spec.etcdSize.name = "etcd-large"
        return fixture
    }

    @Test func followersFirstOneAtATime() throws {
        let fixture = try outdated()
        #expect(fixture.titles == ["replace instance etcd-z-b"])
        #expect(fixture.ownViolations.isEmpty)
    }

    @Test func theLeaderHandsOverLast() throws {
        var fixture = try outdated()
        #expect(
            try fixture.run() == [
                ["replace instance etcd-z-b"], ["replace instance etcd-z-c"], ["move etcd leadership from etcd-z-a to etcd-z-b"],
                ["replace instance etcd-z-a"],
            ])
        #expect(fixture.plan.outlook == .healthy)
    }

    @Test func whileOneIsDownNoneIsTaken() throws {
        var fixture = try outdated()
        fixture.change("etcd-z-b") { $0.sizeName = "etcd-large" }
        fixture.silence("etcd-z-b")
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons == ["EtcdNotHealthy", "EtcdQuorum"])
    }

    @Test func aDeadOutdatedMemberIsReplacedFirst() throws {
        var fixture = try outdated()
        fixture.silence("etcd-z-c")
        fixture.observation.unreadySeconds["etcd-z-c"] = fixture.policy.replaceDeadMemberAfter + 1
        #expect(fixture.titles == ["replace instance etcd-z-c"])
        #expect(fixture.ownViolations.isEmpty)
    }

    /// The leader's answer may be the one that got lost.
    @Test func oneAnswerThatIsMissingCostsNoMember() throws {
        var fixture = try outdated()
        fixture.silence("etcd-z-a")
        fixture.observation.unreadySeconds["etcd-z-a"] = 0.5
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons == ["EtcdNotHealthy", "EtcdQuorum"])
    }

    /// Nobody else leads: so it does, and only Slipway does not reach it.
    @Test func aLeaderThatOnlySlipwayDoesNotReachIsNotReplaced() throws {
        var fixture = try outdated()
        fixture.silence("etcd-z-a")
        fixture.observation.unreadySeconds["etcd-z-a"] = fixture.policy.replaceDeadMemberAfter + 1
        #expect(fixture.plan.actions.isEmpty)
        fixture.lead("etcd-z-b")
        #expect(fixture.titles == ["replace instance etcd-z-a"])
    }

    /// Found dead and answering again: it is cut off, and that is one member less already.
    @Test func whileOneIsCutOffNoneIsTaken() throws {
        var fixture = try outdated()
        fixture.observation.isolatedInstances = ["etcd-z-b"]
        #expect(fixture.titles == ["fence off 100.66.0.4"])
        #expect(fixture.reasons.contains("EtcdQuorum"))
        let end = Action.retireInstance(fixture.instance("etcd-z-c"))
        #expect(fixture.violations(of: fixture.plan.actions + [end]).map(\.number) == [1])
        #expect(fixture.violations(of: [end]).isEmpty)
    }

    @Test func withTwoDeadNoneIsTaken() throws {
        var fixture = try outdated()
        fixture.silence("etcd-z-b")
        fixture.silence("etcd-z-c")
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons.contains("EtcdQuorum"))
        #expect(fixture.plan.outlook == .unavailable)
    }

    @Test func aStoppedMemberComesBackBeforeAnyOtherGoes() throws {
        var fixture = try outdated()
        fixture.change("etcd-z-c") { $0.state = .stopped }
        fixture.silence("etcd-z-c")
        #expect(fixture.titles == ["start instance etcd-z-c"])
    }

    @Test(arguments: ["release", "revision", "size", "address"])
    func eachChangeReplaces(what: String) throws {
        var fixture = try PlannerFixture.whole()
        fixture.change("etcd-z-c") {
            switch what {
            case "release": $0.release = ReleaseID(rawValue: "1.32.0-eks.1")
            case "revision": $0.configurationRevision = 0
            case "size": $0.sizeName = "other"
            default: $0.address = IPv4Address(bits: 1)
            }
        }
        #expect(fixture.titles == ["replace instance etcd-z-c"])
    }

    @Test func aLostVolumeOfAnEstablishedClusterIsNeverMadeAnew() throws {
        var fixture = try PlannerFixture.whole()
        fixture.observation.substrate.volumes.removeAll { $0.id.name == "etcd-z-b" }
        fixture.remove("etcd-z-b")
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons == ["VolumeLost"])
        #expect(fixture.plan.outlook == .degraded)
    }

    @Test func aVolumeLostBeforeTheClusterServedIsMadeAgain() throws {
        var fixture = try PlannerFixture.whole()
        fixture.intent.isEstablished = false
        fixture.observation.substrate.volumes.removeAll { $0.id.name == "etcd-z-b" }
        #expect(fixture.titles == ["make volume etcd-z-b"])
    }

    @Test func aVolumeThatCannotBeReadIsSaid() throws {
        var fixture = try PlannerFixture.whole()
        for index in fixture.observation.substrate.volumes.indices { fixture.observation.substrate.volumes[index].isUsable = index != 0 }
        fixture.remove("etcd-z-a")
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons == ["VolumeBroken"])
    }

    @Test(arguments: 1...2) func withoutAMemberToSpareNoneIsReplaced(zones: Int) throws {
        var fixture = try PlannerFixture.whole(zones: Array(PlannerFixture.zones.prefix(zones)))
        fixture.intent.spec.etcdSize.name = "etcd-large"
        #expect(fixture.plan.actions.isEmpty)
        #expect(fixture.reasons == ["EtcdNoSpare"])
    }

    @Test func aFourthZoneHoldsNoMember() throws {
        var fixture = try PlannerFixture(zones: PlannerFixture.zones + [ZoneName(rawValue: "z-d")])
        _ = try fixture.run()
        #expect(fixture.observation.substrate.instances.filter { $0.role == .etcd }.map(\.zone).sorted() == PlannerFixture.zones)
    }
}
