import FleetModel
import Foundation
import Substrate
import Testing

@testable import Planning

/// Restores: nothing is touched before the snapshot is good, everything stops before the first volume is overwritten, and nobody
/// starts with the old data.
@Suite struct RestorePlanningTests {
    private static func restoring(_ kind: RestoreIntent.Kind = .inPlace) throws -> PlannerFixture {
        var fixture = kind == .inPlace ? try PlannerFixture.whole() : try PlannerFixture()
        fixture.intent.restore = RestoreIntent(
            id: "r1", source: .backup(try BackupID("demo.20261124T104512Z-3f2a"), in: CellName(rawValue: "a")), kind: kind,
            requestedBy: "arn",
            requestedAt: Date(timeIntervalSince1970: 0))
        fixture.observation.restore = RestoreObservation()
        return fixture
    }

    private static let check = "check backup demo.20261124T104512Z-3f2a by restoring it into an etcd of its own"

    @Test func inPlace() throws {
        var fixture = try Self.restoring()
        #expect(fixture.plan.outlook == .degraded, "it serves while the backup is checked")
        let rounds = try fixture.run().map { $0.map { $0.replacing(" from backup demo.20261124T104512Z-3f2a", with: "") } }
        #expect(rounds[0] == [Self.check])
        #expect(rounds[1] == ["remove instance api-1", "remove instance api-2"])
        #expect(rounds[2] == ["remove instance etcd-z-a", "remove instance etcd-z-b", "remove instance etcd-z-c"])
        #expect(rounds[3] == ["restore etcd-z-a", "restore etcd-z-b", "restore etcd-z-c"])
        #expect(rounds[4].contains("start instance etcd-z-a"))
        #expect(rounds.last == ["finish the restore"])
        #expect(fixture.intent.restore == nil)
        #expect(fixture.plan.outlook == .healthy)
    }

    @Test func asANewCluster() throws {
        var fixture = try Self.restoring(.newCluster)
        let rounds = try fixture.run()
        let started = try #require(rounds.firstIndex { $0.contains { $0.hasPrefix("start") } })
        let restored = try #require(rounds.firstIndex { $0.contains { $0.hasPrefix("restore etcd") } })
        #expect(restored < started, "nothing starts empty")
        #expect(fixture.plan.outlook == .healthy)
    }

    @Test func aDamagedBackupTouchesNothing() throws {
        var fixture = try Self.restoring()
        fixture.observation.restore?.refusal = "backup is damaged"
        #expect(fixture.titles == ["give up the restore from backup demo.20261124T104512Z-3f2a: backup is damaged"])
        var new = try Self.restoring(.newCluster)
        new.observation.restore?.refusal = "backup is damaged"
        #expect(new.titles.isEmpty)
        #expect(new.reasons == ["RestoreRefused"])
    }

    /// Killed anywhere: each subset of what was done before leads to the same end, by way of no forbidden state.
    @Test(arguments: 0..<64) func whateverIsInterrupted(_ seed: Int) throws {
        var fixture = try Self.restoring(seed % 2 == 0 ? .inPlace : .newCluster)
        fixture.settle()
        var bits = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        for _ in 0..<200 {
            let plan = fixture.plan
            #expect(fixture.violations(of: plan.actions) == [])
            if plan.actions.isEmpty, fixture.intent.restore == nil { break }
            for action in plan.actions {
                bits = bits &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                if bits >> 63 == 0 { fixture.carryOut(action) }
            }
            fixture.settle()
        }
        #expect(fixture.intent.restore == nil)
        #expect(fixture.plan.outlook == .healthy)
    }

    @Test func aLostVolumeIsMadeAnewForTheSnapshot() throws {
        var fixture = try Self.restoring()
        fixture.observation.substrate.volumes.removeAll { $0.id.name != "etcd-z-a" }
        fixture.remove("etcd-z-b")
        fixture.remove("etcd-z-c")
        _ = try fixture.run()
        #expect(fixture.plan.outlook == .healthy)
    }

    @Test func aZoneThatIsOutFollowsLater() throws {
        var fixture = try Self.restoring()
        fixture.observation.restore?.isPrepared = true
        fixture.observation.unavailableZones = [PlannerFixture.zones[2]]
        for _ in 0..<20 {
            let plan = fixture.plan
            #expect(fixture.violations(of: plan.actions) == [])
            if plan.outlook == .degraded { break }
            for action in plan.actions { fixture.carryOut(action) }
            fixture.settle()
            fixture.silence("etcd-z-c")
        }
        #expect(fixture.plan.outlook == .degraded, "two of three serve")
        #expect(fixture.observation.restore?.restoredVolumes == ["etcd-z-a", "etcd-z-b"])
        fixture.observation.unavailableZones = []
        _ = try fixture.run()
        #expect(fixture.intent.restore == nil)
        #expect(fixture.plan.outlook == .healthy)
    }

    @Test func theInvariantsForbidWhatWouldLoseData() throws {
        var fixture = try Self.restoring()
        let restore = try #require(fixture.intent.restore)
        let member = EtcdMember.all(of: fixture.intent)[0].intent
        #expect(fixture.violations(of: [.restoreMember(member, restore)]).map(\.number) == [6], "not checked")
        fixture.observation.restore?.isPrepared = true
        #expect(fixture.violations(of: [.restoreMember(member, restore)]).map(\.number) == [6], "it runs")
        fixture.remove("etcd-z-a")
        #expect(fixture.violations(of: [.restoreMember(member, restore)]).isEmpty)
        fixture.observation.restore?.restoredVolumes = ["etcd-z-b"]
        #expect(fixture.violations(of: [.startInstance(member)]).map(\.number) == [6], "old data among new")
        fixture.intent.restore = nil
        #expect(fixture.violations(of: [.restoreMember(member, restore)]).map(\.number) == [6], "nobody asked")
    }
}
