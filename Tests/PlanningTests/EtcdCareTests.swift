import FleetModel
import Foundation
import Planning
import Testing

/// What pays, what is safe, and in which order.
@Suite struct EtcdCareTests {
    static let names = ["etcd-local-1a", "etcd-local-1b", "etcd-local-1c"]
    static let now = Date(timeIntervalSince1970: 1_800_000_000)
    let planner = EtcdCarePlanner()

    /// Three members, the first leads; sizes in MiB.
    static func healthy(size: Int64 = 20, inUse: Int64 = 18, quota: Int64 = 8192) throws -> EtcdCareObservation {
        var members: [String: EtcdMetricsPage] = [:]
        for (index, name) in names.enumerated() {
            var page = EtcdMetricsPage()
            page.hasLeader = true
            page.isLeader = index == 0
            page.databaseBytes = size << 20
            page.inUseBytes = inUse << 20
            page.quotaBytes = quota << 20
            page.revision = 1000
            members[name] = page
        }
        var seen = EtcdCareObservation(cluster: try ClusterName("demo"), wanted: names, members: members)
        seen.hashCheck = EtcdHashCheck(at: now, revision: 1000, result: .equal, members: names)
        return seen
    }

    private func action(_ seen: EtcdCareObservation) -> EtcdCareAction? { planner.action(seen, now: Self.now) }

    @Test func aTidyDatabaseIsLeftAlone() throws {
        #expect(action(try Self.healthy()) == nil)
        // Much of it is free, but it is little.
        #expect(action(try Self.healthy(size: 60, inUse: 2)) == nil)
        // It is much, but most of it is in use.
        #expect(action(try Self.healthy(size: 2000, inUse: 1500)) == nil)
    }

    @Test func followersAreDefragmentedFirstAndTheLeaderHandsOver() throws {
        var seen = try Self.healthy(size: 1000, inUse: 200)
        #expect(action(seen) == .defragment("etcd-local-1b"))
        for name in ["etcd-local-1b", "etcd-local-1c"] {
            seen.members[name]?.databaseBytes = 200 << 20
            seen.lastDefragmentation[name] = Self.now
        }
        #expect(action(seen) == .moveLeader(from: "etcd-local-1a", to: "etcd-local-1b"))
        seen.members["etcd-local-1a"]?.isLeader = false
        seen.members["etcd-local-1b"]?.isLeader = true
        #expect(action(seen) == .defragment("etcd-local-1a"))
    }

    /// What was plain goes from the files' free pages, however little they are.
    @Test func eachIsDefragmentedWhereThatWasAskedFor() throws {
        var seen = try Self.healthy()
        seen.toBeDefragmentedSince = Self.now
        seen.defragmentedAt = ["etcd-local-1b": Self.now, "etcd-local-1c": Self.now.addingTimeInterval(-1)]
        #expect(action(seen) == .defragment("etcd-local-1c"))
        // It failed: others are not kept from it, and it gets a rest.
        seen.lastDefragmentation["etcd-local-1c"] = Self.now.addingTimeInterval(-59)
        #expect(action(seen) == .moveLeader(from: "etcd-local-1a", to: "etcd-local-1b"))
        seen.defragmentedAt["etcd-local-1a"] = Self.now
        #expect(action(seen) == nil)
        seen.lastDefragmentation["etcd-local-1c"] = Self.now.addingTimeInterval(-60)
        #expect(action(seen) == .defragment("etcd-local-1c"))
        seen.defragmentedAt["etcd-local-1c"] = Self.now
        #expect(action(seen) == nil)
    }

    /// Clients do not reach it until it is an ordinary member.
    @Test func whoJoinsIsNotDefragmentedNorAsked() throws {
        var seen = try Self.healthy(size: 20, inUse: 1, quota: 16)
        seen.alarms = [EtcdAlarmReport(kind: .noSpace, member: "etcd-local-1a")]
        seen.joining = ["etcd-local-1a"]
        #expect(action(seen) == .compact(to: 1000))
        #expect(seen.asked == "etcd-local-1b")
        seen.compactedTo = 1000
        #expect(action(seen) == nil)
        seen.joining = []
        #expect(seen.asked == "etcd-local-1a")
        #expect(action(seen) == .defragment("etcd-local-1b"))
    }

    @Test func aCrowdedDatabaseIsDefragmentedForLess() throws {
        #expect(action(try Self.healthy(size: 7000, inUse: 6000)) == .defragment("etcd-local-1b"))
        #expect(action(try Self.healthy(size: 14, inUse: 9, quota: 16)) == .defragment("etcd-local-1b"))
    }

    @Test func nothingIsDefragmentedTwiceInAShortTime() throws {
        var seen = try Self.healthy(size: 1000, inUse: 200)
        for name in Self.names { seen.lastDefragmentation[name] = Self.now.addingTimeInterval(-300) }
        #expect(action(seen) == nil)
    }

    @Test func aMemberThatIsMissingOrAChangeUnderWayForbidsDefragmentation() throws {
        var seen = try Self.healthy(size: 1000, inUse: 200)
        seen.isSettled = false
        #expect(action(seen) == nil)
        seen.isSettled = true
        seen.members["etcd-local-1c"] = nil
        #expect(action(seen) == nil)
        seen.members["etcd-local-1b"]?.hasLeader = false
        #expect(action(seen) == nil)
    }

    @Test func aFullDatabaseIsCompactedDefragmentedAndThenOpenedAgain() throws {
        var seen = try Self.healthy(size: 9, inUse: 8, quota: 8)
        seen.alarms = [EtcdAlarmReport(kind: .noSpace, member: Self.names[1])]
        #expect(action(seen) == .compact(to: 1000))
        seen.compactedTo = 1000
        for name in Self.names { seen.members[name]?.inUseBytes = 1 << 20 }
        var order: [EtcdCareAction] = []
        while let next = action(seen), order.count < 10 {
            order.append(next)
            switch next {
            case .defragment(let name):
                seen.members[name]?.databaseBytes = 1 << 20
                seen.lastDefragmentation[name] = Self.now
            case .moveLeader(let from, let to):
                seen.members[from]?.isLeader = false
                seen.members[to]?.isLeader = true
            default: seen.alarms = []
            }
        }
        #expect(
            order == [
                .defragment(Self.names[1]), .defragment(Self.names[2]), .moveLeader(from: Self.names[0], to: Self.names[1]),
                .defragment(Self.names[0]), .disarmNoSpace,
            ])
    }

    @Test func aDatabaseThatIsFullOfDataStaysClosedAndSaysWhatToDo() throws {
        var seen = try Self.healthy(size: 8, inUse: 8, quota: 8)
        seen.alarms = [EtcdAlarmReport(kind: .noSpace, member: nil)]
        seen.compactedTo = 1000
        #expect(action(seen) == nil)
        let condition = EtcdCareStatus().conditions(seen, old: [], now: Self.now).first { $0.kind == .etcdHealthy }
        #expect(condition?.status == .no && condition?.reason == "AlarmNoSpace")
        #expect(condition?.message.contains("slipway cluster resize demo --etcd-quota") == true)
        // The customer deleted something: it is worth a compaction again.
        for name in Self.names { seen.members[name]?.revision = 1001 }
        #expect(action(seen) == .compact(to: 1001))
        // All members have a larger quota.
        for name in Self.names { seen.members[name]?.quotaBytes = 64 << 20 }
        seen.compactedTo = 1001
        #expect(action(seen) == .disarmNoSpace)
    }

    @Test func anAlarmCorruptEndsOnlyWhenAllVotersAreEqual() throws {
        var seen = try Self.healthy()
        seen.alarms = [EtcdAlarmReport(kind: .corrupt, member: Self.names[2])]
        seen.hashCheck?.at = Self.now.addingTimeInterval(-60)
        #expect(action(seen) == .compareHashes)
        seen.hashCheck = EtcdHashCheck(at: Self.now, revision: 1000, result: .different, members: Self.names)
        seen.corruptMembers = [Self.names[2]]
        #expect(action(seen) == nil)
        let conditions = EtcdCareStatus().conditions(seen, old: [], now: Self.now)
        #expect(conditions.first { $0.kind == .etcdConsistent }?.message.contains(Self.names[2]) == true)
        // It was taken out of the cluster, and the other two are equal.
        seen.members[Self.names[2]] = nil
        seen.corruptMembers = []
        seen.hashCheck = EtcdHashCheck(at: Self.now, revision: 1000, result: .equal, members: Array(Self.names[..<2]))
        #expect(action(seen) == .disarmCorrupt)
    }

    @Test func contentsAreComparedMoreRarelyTheLargerTheyAre() throws {
        var seen = try Self.healthy()
        seen.hashCheck?.at = Self.now.addingTimeInterval(-90)
        #expect(action(seen) == .compareHashes)
        seen = try Self.healthy(size: 1024, inUse: 1000)
        seen.hashCheck?.at = Self.now.addingTimeInterval(-90)
        #expect(action(seen) == nil)
    }

    @Test func theMajorityIsRight() {
        func sample(_ index: Int, _ hash: UInt32, compacted: Int64 = 5) -> EtcdHashSample {
            EtcdHashSample(member: Self.names[index], hash: hash, compactRevision: compacted)
        }
        #expect(EtcdConsistency.verdict([sample(0, 1), sample(1, 1), sample(2, 1)], voters: 3) == .equal)
        #expect(EtcdConsistency.verdict([sample(0, 1), sample(1, 2), sample(2, 1)], voters: 3) == .different([Self.names[1]]))
        #expect(EtcdConsistency.verdict([sample(0, 1), sample(1, 1)], voters: 3) == .equal)
        for undecided in [
            [sample(0, 1), sample(1, 2), sample(2, 3)], [sample(0, 1), sample(1, 2)], [sample(0, 1)],
            [sample(0, 1), sample(1, 1), sample(2, 1, compacted: 6)],
        ] {
            guard case .undecided = EtcdConsistency.verdict(undecided, voters: 3) else {
                Issue.record("decided on \(undecided)")
                continue
            }
        }
    }

    @Test func aPageIsReadAndItsHistogramCounted() throws {
        let page = """
            # HELP etcd_disk_wal_fsync_duration_seconds The latency distributions of fsync called by WAL.
            etcd_disk_wal_fsync_duration_seconds_bucket{le="0.001"} 90
            etcd_disk_wal_fsync_duration_seconds_bucket{le="0.002"} 98
            etcd_disk_wal_fsync_duration_seconds_bucket{le="0.004"} 100
            etcd_disk_wal_fsync_duration_seconds_bucket{le="+Inf"} 100
            etcd_mvcc_db_total_size_in_bytes 9.6256e+06
            etcd_server_has_leader 1
            etcd_server_leader_changes_seen_total 3
            go_goroutines 12

            """
        let read = try #require(EtcdMetricsPage(page.utf8))
        #expect(read.databaseBytes == 9_625_600 && read.hasLeader && !read.isLeader && read.leaderChanges == 3)
        #expect(read.fsync.quantile(0.99) == 0.003)
        #expect(read.fsync.quantile(0.99, since: read.fsync) == nil)
        #expect(EtcdMetricsPage("<html>\n".utf8) == nil)
    }
}
