import FleetModel
import Foundation
import Substrate
import Testing

@testable import Planning

/// When backups are due, which are kept, and what is said of them.
@Suite struct BackupPlanningTests {
    private let policy = BackupPolicy(location: .directory("/b"))
    private let start = Date(timeIntervalSince1970: 1_800_000_000)

    private func cluster() throws -> Cluster {
        let fixture = try PlannerFixture()
        var cluster = Cluster(
            name: fixture.intent.cluster, cell: CellName(rawValue: "a"), metadata: Metadata(uid: "uid", createdAt: start),
            spec: ClusterSpec(controlPlane: fixture.intent.spec, settings: ClusterSettings(roleARN: "", subnetIDs: [], creatorARN: "")))
        cluster.status.activeSince = start
        return cluster
    }

    private func backup(
        _ seconds: Double, _ phase: Backup.Phase = .complete, byHand: Bool = false, _ verdict: BackupVerification.Verdict? = nil
    ) throws -> Backup {
        let date = start.addingTimeInterval(seconds)
        var backup = Backup(
            id: BackupID(cluster: try ClusterName("demo"), at: date, suffix: byHand ? "hand" : "auto"), cell: CellName(rawValue: "a"),
            clusterUID: "uid", ownerARN: "", requestedAt: date, requestedBy: byHand ? "arn" : Backup.schedule, location: policy.location)
        backup.phase = phase
        backup.finishedAt = date
        backup.error = phase == .failed ? "no answer" : nil
        backup.verification = verdict.map { BackupVerification(verdict: $0, requestedAt: date, message: "chunk 3 was changed") }
        return backup
    }

    private func decide(_ backups: [Backup], after seconds: Double) throws -> BackupSchedulePlanner.Decision {
        BackupSchedulePlanner(policy: policy).decide(try cluster(), backups, now: start.addingTimeInterval(seconds))
    }

    @Test func identifiers() throws {
        let id = BackupID(cluster: try ClusterName("demo-1_x"), at: Date(timeIntervalSince1970: 0), suffix: "0a1b")
        #expect(id.rawValue == "demo-1_x.19700101T000000Z-0a1b")
        #expect(try BackupID(id.rawValue) == id)
        for text in [
            "", "demo", "demo.x", "demo.19700101T000000Z", "demo.19700101T000000Z-", "../a.19700101T000000Z-0a1b",
            "a.b.19700101T000000Z-0a",
        ] {
            #expect(throws: FleetModelError.self) { try BackupID(text) }
        }
    }

    @Test func theFirstComesSoonAndTheNextAfterTheInterval() throws {
        #expect(try !decide([], after: 200).isDue)
        #expect(try decide([], after: 601).isDue)
        #expect(try !decide([backup(0)], after: 3400).isDue)
        #expect(try decide([backup(0)], after: 3781).isDue)
        #expect(try !decide([backup(0), backup(3600, .running)], after: 9000).isDue, "one at a time")
        // What somebody took by hand does not shift the schedule.
        #expect(try decide([backup(0), backup(3000, byHand: true)], after: 3781).isDue)
    }

    @Test func failuresAreTriedAgainEverMoreRarely() throws {
        let once = [try backup(0), try backup(3600, .failed)]
        #expect(try !decide(once, after: 3650).isDue)
        #expect(try decide(once, after: 3661).isDue)
        let thrice = once + [try backup(3700, .failed), try backup(3800, .failed)]
        #expect(try !decide(thrice, after: 4000).isDue)
        #expect(try decide(thrice, after: 4041).isDue)
    }

    @Test func noScheduleNoBackup() throws {
        var off = policy
        off.isScheduled = false
        #expect(!BackupSchedulePlanner(policy: off).decide(try cluster(), [], now: start.addingTimeInterval(1e6)).isDue)
        var leaving = try cluster()
        leaving.metadata.deletionRequestedAt = start
        #expect(!BackupSchedulePlanner(policy: policy).decide(leaving, [], now: start.addingTimeInterval(1e6)).isDue)
    }

    @Test func whatIsSaidOfThem() throws {
        func said(_ backups: [Backup], after seconds: Double) throws -> [String?] {
            let health = try decide(backups, after: seconds).health
            return [health?.status.rawValue, health?.reason]
        }
        #expect(try said([], after: 0) == ["Unknown", "NoBackupYet"])
        #expect(try said([backup(0)], after: 60) == ["True", "BackedUp"])
        #expect(try said([backup(0), backup(60, .failed, byHand: true)], after: 70) == ["False", "BackupFailed"])
        #expect(try said([backup(0), backup(60, .failed), backup(120)], after: 130) == ["True", "BackedUp"])
        #expect(try said([backup(0)], after: 8000) == ["False", "BackupOverdue"])
        #expect(try said([backup(0), backup(60, .complete, .damaged)], after: 70) == ["False", "BackupDamaged"])
    }

    @Test func retention() throws {
        // Hourly for ten days.
        var backups = try (0..<240).map { try backup(Double($0) * 3600) }
        let now = start.addingTimeInterval(240 * 3600)
        func kept(_ isGone: Bool = false) -> [Backup] {
            let expired = Set(RetentionPlanner(policy: policy).expired(backups, isClusterGone: isGone, now: now))
            return backups.filter { !expired.contains($0.id) }
        }
        #expect(kept().suffix(24) == backups.suffix(24))
        #expect((24 + 5...24 + 7).contains(kept().count), "\(kept().count)")
        #expect(kept(true).count == 7)
        backups.append(try backup(0, byHand: true))
        #expect(kept().contains { !$0.isScheduled }, "what somebody asked for stays")
        // The newest is damaged: the one before it counts.
        backups[239].verification = BackupVerification(verdict: .damaged, requestedAt: now, message: "")
        #expect(kept().filter(\.isUsable).contains(backups[215]))
        #expect(kept().contains(backups[239]), "evidence")
        // All but one are bad and old: the last good one stays.
        backups = [try backup(0)] + (try (1..<30).map { try backup(Double($0) * 3600, .failed) })
        #expect(kept().first == backups[0])
        #expect(kept().count == 1 + RetentionPlanner.failuresKept)
    }

    @Test func theMember() {
        let zones = ["a", "b", "c"].map { (name: "etcd-\($0)", zone: ZoneName(rawValue: $0)) }
        func choose(
            _ health: [String: EtcdMemberHealth], out: Set<String> = [], isolated: Set<String> = [], avoided: Set<String> = []
        ) -> String? {
            SnapshotMemberPlanner().choose(
                zones, health, unavailable: Set(out.map { ZoneName(rawValue: $0) }), isolated: isolated, avoided: avoided)
        }
        let well = EtcdMemberHealth(isHealthy: true, isLeader: false)
        let leader = EtcdMemberHealth(isHealthy: true, isLeader: true)
        #expect(choose(["etcd-a": leader, "etcd-b": well, "etcd-c": well]) == "etcd-b")
        #expect(choose(["etcd-a": leader, "etcd-b": well, "etcd-c": well], out: ["b"]) == "etcd-c", "a zone is out")
        #expect(choose(["etcd-a": leader, "etcd-b": well, "etcd-c": well], isolated: ["etcd-b"], avoided: ["etcd-c"]) == "etcd-a")
        #expect(choose(["etcd-a": leader]) == "etcd-a")
        #expect(choose(["etcd-b": EtcdMemberHealth(isHealthy: false, isLeader: false)]) == nil)
    }
}
