import FleetModel
import Foundation
import Planning
import Substrate
import Testing

/// A majority of volumes is lost: nothing happens by itself; asked to, etcd begins again from what is left.
@Suite struct RecoveryTests {
    /// Two of three volumes are gone with what ran on them; the third runs without a quorum.
    private func lost(_ names: [String] = ["etcd-z-b", "etcd-z-c"]) throws -> PlannerFixture {
        var fixture = try PlannerFixture.whole()
        for name in names {
            fixture.observation.substrate.volumes.removeAll { $0.id.name == name }
            fixture.remove(name)
        }
        fixture.observation.health.etcdMembers = [:]
        for server in ["api-1", "api-2"] { fixture.silence(server) }
        return fixture
    }

    private func assessment(
        _ fixture: PlannerFixture, revisions: [String: Int64] = ["etcd-z-a": 990], backups: [Backup] = [], known: Int64? = 1000
    ) -> RecoveryProposal {
        var report = EtcdReport()
        report.lastQuorumRevision = known
        report.lastQuorumAt = known.map { _ in Date(timeIntervalSince1970: 1_800_000_000) }
        return RecoveryAssessment().proposal(
            fixture.intent, fixture.observation, report: report, revisions: revisions, backups: backups)
    }

    private func backup(revision: Int64) throws -> Backup {
        let date = Date(timeIntervalSince1970: 1_799_990_000)
        let cluster = try ClusterName("demo")
        var backup = Backup(
            id: BackupID(cluster: cluster, at: date, suffix: "aa"), cell: CellName(rawValue: "cell-1"), clusterUID: "", ownerARN: "",
            requestedAt: date, requestedBy: "schedule", location: .directory("/backups"))
        backup.phase = .complete
        backup.facts = BackupFacts(
            takenAt: date, member: "etcd-z-a", etcdVersion: "3.5.16", revision: revision, keyCount: 1, hash: 0, hashCompactRevision: 0,
            fileHash: 0, fileEntries: 1, size: 1, sha256: "", storedSize: 1)
        return backup
    }

    @Test func nothingIsDoneByItselfAndTheCommandIsNamed() throws {
        let fixture = try lost()
        let plan = fixture.plan
        #expect(plan.actions.isEmpty && plan.outlook == .unavailable, "\(fixture.titles)")
        #expect(plan.waits.first?.reason == "MajorityLost")
        #expect(plan.waits.first?.message.contains("slipway cluster recover demo --dry-run") == true)
    }

    @Test func theSurvivorIsJoinedByAnEmptyMemberAndTheRestIsOrdinary() throws {
        var fixture = try lost()
        fixture.intent.recovery = "etcd-z-a"
        var done: [[String]] = []
        for _ in 0..<4 {
            let plan = fixture.plan
            #expect(fixture.ownViolations.isEmpty, "\(fixture.ownViolations)")
            #expect(plan.outlook == .unavailable)
            if plan.actions.isEmpty { break }
            done.append(plan.actions.map(\.title))
            for action in plan.actions { fixture.carryOut(action) }
        }
        #expect(done == [["remove instance api-1", "remove instance api-2"], ["begin anew with an empty etcd-z-b"]])
        #expect(fixture.reasons.contains("EtcdNotHealthy"))
        // They find each other.
        fixture.listMembers()
        fixture.settle()
        var rounds: [String] = []
        for _ in 0..<30 {
            let plan = fixture.plan
            if let first = fixture.violations(of: plan.actions).first { throw first }
            if plan.actions.isEmpty { break }
            rounds += plan.actions.map(\.title)
            fixture.carryOut(plan.actions)
        }
        #expect(rounds.first == "finish the recovery" || rounds.contains("finish the recovery"))
        for step in [
            "start instance api-1", "remove etcd-z-c from etcd's members", "make etcd-z-c a voting member", "replace instance etcd-z-b",
        ] {
            #expect(rounds.contains(step), "\(step) is missing in \(rounds)")
        }
        #expect(fixture.intent.recovery == nil)
        #expect(fixture.plan == Plan(outlook: .healthy))
    }

    @Test func itGoesOnWhereverItWasInterrupted() throws {
        var fixture = try lost()
        fixture.intent.recovery = "etcd-z-a"
        fixture.carryOutWithoutSettling()
        fixture.carryOutWithoutSettling()
        // The machine restarts: everything is stopped.
        for name in ["etcd-z-a", "etcd-z-b"] { fixture.change(name) { $0.state = .stopped } }
        #expect(Set(fixture.titles) == ["start instance etcd-z-a", "start instance etcd-z-b"])
        #expect(fixture.ownViolations.isEmpty)
        // The second was half made only.
        fixture.remove("etcd-z-b")
        fixture.change("etcd-z-a") { $0.state = .running }
        #expect(fixture.titles == ["begin anew with an empty etcd-z-b"])
    }

    @Test func aMemberNeverBeginsEmptyUnasked() throws {
        var fixture = try lost()
        fixture.intent.recovery = "etcd-z-a"
        fixture.carryOutWithoutSettling()
        let actions = fixture.plan.actions
        fixture.intent.recovery = nil
        #expect(fixture.violations(of: actions).contains { $0.number == 6 })
        fixture.intent.recovery = "etcd-z-b"
        #expect(fixture.violations(of: actions).contains { $0.number == 6 })
        fixture.intent.recovery = "etcd-z-a"
        fixture.addMember(PlannerFixture.zones[2], healthy: false)
        #expect(fixture.violations(of: actions).contains { $0.number == 6 })
    }

    @Test func theNewestIsProposedAndWhatIsLostIsSaid() throws {
        let fixture = try lost()
        let found = assessment(fixture, backups: [try backup(revision: 700)])
        #expect(found.source?.name == "etcd-z-a" && found.losses.map(\.member) == ["etcd-z-b", "etcd-z-c"])
        #expect(found.verdict.contains("10 changes, revisions 991 to 1000"))
        #expect(assessment(fixture, revisions: ["etcd-z-a": 1000]).verdict.contains("Lost is nothing of what Slipway saw"))
        // A member that fell behind long ago.
        let behind = assessment(fixture, revisions: ["etcd-z-a": 90], backups: [try backup(revision: 700)])
        #expect(behind.source?.kind == "backup" && behind.verdict.contains("300 changes"))
        let silent = assessment(fixture, revisions: [:])
        #expect(silent.source == nil && silent.verdict.contains("ask again"))
        // It may hold more than the backup does.
        let copy = try backup(revision: 700)
        let unsure = assessment(fixture, revisions: [:], backups: [copy])
        #expect(unsure.source == nil && unsure.verdict.contains("slipway backup restore \(copy.id) --in-place"))
    }

    @Test func nothingLeftIsSaid() throws {
        let fixture = try lost(["etcd-z-a", "etcd-z-b", "etcd-z-c"])
        let nothing = assessment(fixture, revisions: [:])
        #expect(nothing.source == nil && nothing.verdict.contains("Nothing is left"))
        #expect(assessment(fixture, revisions: [:], backups: [try backup(revision: 700)]).source?.kind == "backup")
    }

    @Test func oneLostVolumeAndAStoppedClusterNeedNoRecovery() throws {
        var fixture = try lost(["etcd-z-b"])
        #expect(assessment(fixture).source == nil)
        #expect(fixture.plan.waits.first?.reason != "MajorityLost")
        // A zone that is out of reach has not lost its volumes.
        fixture = try lost()
        fixture.observation.unavailableZones = [PlannerFixture.zones[1]]
        #expect(assessment(fixture).source == nil)
    }
}

extension PlannerFixture {
    mutating func carryOutWithoutSettling() { for action in plan.actions { carryOut(action) } }
}
