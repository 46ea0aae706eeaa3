import FleetModel
import Foundation
import LocalSubstrate
import SlipwayTesting
import Substrate
import Testing
import Timing

/// Each fault does to a real etcd what it says, and is undone without a trace.
@Suite(.serialized) struct LocalFaultTests {
    @Test func powerKillsEverythingAtOnceAndKeepsItDown() async throws {
        try await FaultyRegion.with { faulty in
            let id = faulty.etcd.id
            let first = try await faulty.region.process(of: id)
            try await faulty.substrate.inject(faulty.fault(.power))
            #expect(!isRunning(first))
            #expect(try await faulty.ask().code != "0")
            // What somebody far away would know.
            let seen = try #require(try await faulty.region.observe(id))
            #expect(seen.state == .running && seen.components.allSatisfy { !$0.isUp })
            let refusal = await #expect(throws: SubstrateError.self) { try await faulty.substrate.ensureInstance(faulty.etcd) }
            #expect(refusal?.code == .unavailable)
            #expect(try await shell("pgrep -f 's6-svscan -c 64 \(faulty.region.directory)'").output == "")
            // A service that was killed and started again: nothing comes back by that.
            let again = LocalSubstrate(configuration: faulty.substrate.configuration, artifacts: faulty.region.artifacts)
            try await again.prepare()
            #expect(try await again.faults() == [faulty.fault(.power)])
            #expect(try await faulty.ask().code != "0")
            try await again.clear("f1")
            try await faulty.answers()
            #expect(try await again.faults().isEmpty)
            #expect(try await faulty.value("before") == "1")
            #expect(try await faulty.region.process(of: id) != first)
        }
    }

    @Test func blackholeSwallowsPacketsAndKillsNothing() async throws {
        try await FaultyRegion.with { faulty in
            let first = try await faulty.region.process(of: faulty.etcd.id)
            try await faulty.substrate.inject(faulty.fault(.blackhole))
            let asked = try await faulty.ask()
            #expect(asked.code == "28" && asked.connected == 0, "\(asked)")
            #expect(try await faulty.region.observe(faulty.etcd.id)?.components.first?.isUp == true)
            try await faulty.substrate.clear(nil)
            try await faulty.answers()
            #expect(try await faulty.region.process(of: faulty.etcd.id) == first)
        }
    }

    @Test func lossDropsItsShare() async throws {
        try await FaultyRegion.with { faulty in
            try await faulty.substrate.inject(faulty.fault(.loss(percent: 30)))
            // A connection needs one packet each way: 49 of 100 are opened by the first.
            let code = """
                import socket
                def opens():
                    try: socket.create_connection(('\(faulty.etcd.address)', 2379), 0.05).close(); return 1
                    except OSError: return 0
                print(sum(opens() for _ in range(100)))
                """
            let opened = Int(try await shell("python3 -c \"\(code)\"").output) ?? -1
            #expect((20...80).contains(opened), "\(opened) of 100 connections")
            try await faulty.substrate.clear("f1")
            #expect(try await shell("python3 -c \"\(code)\"").output == "100")
        }
    }

    @Test func freezeKeepsConnectionsOpenAndAnswersNothing() async throws {
        try await FaultyRegion.with { faulty in
            let first = try await faulty.region.process(of: faulty.etcd.id)
            try await faulty.substrate.inject(faulty.fault(.freeze))
            let asked = try await faulty.ask()
            #expect(asked.code == "28" && asked.connected > 0, "\(asked)")
            try await faulty.substrate.clear("f1")
            try await faulty.answers()
            #expect(try await faulty.region.process(of: faulty.etcd.id) == first)
        }
    }

    @Test func slowStarvesOfBandwidth() async throws {
        try await FaultyRegion.with { faulty in
            let value = "$(head -c 49152 /dev/zero | tr '\\0' x)"
            func put() async throws { #expect(try await faulty.put("large", value).isSuccess) }
            let usual = try await faulty.seconds(put)
            try await faulty.substrate.inject(faulty.fault(.slow))
            let starved = try await faulty.seconds(put)
            #expect(starved > 0.9 && starved > usual * 2, "\(usual) s, then \(starved) s")
            try await faulty.substrate.clear("f1")
            let after = try await faulty.seconds(put)
            #expect(after < starved, "\(starved) s, then \(after) s")
        }
    }

    @Test func slowDiskDelaysEachCommit() async throws {
        try await FaultyRegion.with { faulty in
            try await faulty.substrate.inject(faulty.fault(.diskSlow))
            func put() async throws { #expect(try await faulty.put("k", "v").isSuccess) }
            // The first requests after a rest are let through at once.
            try await put()
            let slow = try await faulty.seconds(put)
            #expect(slow > 0.7, "\(slow) s")
            // Reading goes by memory.
            #expect(try await faulty.ask(seconds: 20).code == "0")
            try await faulty.substrate.clear("f1")
            // The first may still wait behind what was held back.
            try await put()
            let after = try await faulty.seconds(put)
            #expect(after < slow, "\(slow) s, then \(after) s")
        }
    }

    @Test func fullDiskTakesNoWriteAndLosesNone() async throws {
        try await FaultyRegion.with { faulty in
            let first = try await faulty.region.process(of: faulty.etcd.id)
            try await faulty.substrate.inject(faulty.fault(.diskFull))
            #expect(try await faulty.put("k", "v", seconds: 2).isSuccess == false)
            _ = try await faulty.region.eventually("etcd has ended") { isRunning(first) ? nil : true }
            let log = faulty.substrate.paths(of: faulty.etcd.id, volume: nil).logs + "/etcd/current"
            _ = try await faulty.region.eventually("its log says why, also of a later start") {
                (try? String(contentsOfFile: log, encoding: .utf8))?.contains("file too large") == true ? true : nil
            }
            try await faulty.substrate.clear("f1")
            try await faulty.answers()
            #expect(try await faulty.value("before") == "1")
            #expect(try await faulty.put("k", "v").isSuccess)
        }
    }

    @Test func faultsTakeHoldOfWhatIsMadeLater() async throws {
        try await FaultyRegion.with { faulty in
            try await faulty.substrate.inject(faulty.fault(.blackhole))
            try await faulty.substrate.inject(faulty.fault(.freeze, id: "f2"))
            let late = faulty.region.sleeping("api-1")
            try await faulty.substrate.ensureInstance(late)
            // It may have been stopped before its supervision had started anything.
            let groups = "/\(faulty.region.prefix)/\(late.id.cluster)/\(late.id.name)/cgroup.procs"
            let states = "cat /sys/fs/cgroup\(groups) /sys/fs/cgroup/*\(groups) 2>/dev/null | sort -u | xargs -r ps -o state= -p | sort -u"
            #expect(try await shell(states).output == "T")
            let link = try await shell("nft list table bridge \(faulty.region.prefix)").output
            #expect(link.components(separatedBy: "iifname").count == 3, "\(link)")
            // One goes, the other stays.
            try await faulty.substrate.clear("f2")
            let process = try await faulty.region.process(of: late.id)
            // It runs, or waits for something: it is not held.
            #expect(["S", "R", "D"].contains(try await shell("ps -o state= -p \(process)").output))
            #expect(try await faulty.ask(seconds: 0.3).code == "28")
            let findings = await HostCheck(configuration: faulty.substrate.configuration).findings(knownClusters: [late.id.cluster])
            #expect(findings.contains { $0.subject == "fault f1" && $0.remedy == "slipway fault clear f1" }, "\(findings)")
            // What stands when a region is removed goes with it: the end of this test looks.
            try await faulty.substrate.inject(faulty.fault(.freeze, id: "f2"))
        }
    }

    @Test func clusterTakesItsFaultsWithIt() async throws {
        try await LocalRegion.with(names: ["first"]) { region in
            let spec = region.sleeping("api-1")
            try await region.make(spec)
            let fault = Fault(
                id: "f1", zone: spec.zone, cluster: spec.id.cluster, instance: "api-1", kind: .power, since: Date(timeIntervalSince1970: 0))
            try await region.substrate.inject(fault)
            // The same again changes nothing; another of that name is refused.
            try await region.substrate.inject(fault)
            var other = fault
            other.kind = .freeze
            let refusal = await #expect(throws: SubstrateError.self) { try await region.substrate.inject(other) }
            #expect(refusal?.code == .conflict)
            try await region.substrate.removeInstance(spec.id)
            try await region.substrate.removeNetwork(of: spec.id.cluster)
            #expect(try await region.substrate.faults().isEmpty)
            let unknown = await #expect(throws: SubstrateError.self) { try await region.substrate.clear("f1") }
            #expect(unknown?.code == .invalid)
        }
    }
}
