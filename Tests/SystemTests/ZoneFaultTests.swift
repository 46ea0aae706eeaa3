import Foundation
import SimulatedSubstrate
import Testing

extension WholeRegion {
    /// Zones fail under load, in the ways in which they do; nothing that was acknowledged is lost, and everything comes back by
    /// itself. How long people notice is the bench's matter.
    @Suite(.timeLimit(.minutes(10)))
    struct ZoneFaultTests {
        /// Replayed by anybody: the same faults in the same order.
        private static let seed: UInt64 = 20_261_125
        private static let kinds = ["power", "blackhole", "freeze", "loss=30%", "slow", "disk-slow", "disk-full"]

        @Test func nothingIsLostWhateverFails() async throws {
            try await RegionFixture.with(5) { region in
                try await region.importRelease()
                try await region.up().required()
                try await region.slipway("zone", "policy", "auto", "--restore-after", "1").required()
                try await region.slipway("cluster", "create", "zeta").required()
                try await NumberedWrites.go(on: "zeta", region) { writes in
                    var last: String?
                    for kind in ["power", "blackhole", "freeze"] { last = try await fail(kind, otherThan: last, region, writes) }
                }
                try await NumberedWrites.go(on: "zeta", region) { writes in
                    try await loseAllOfEtcd(region, writes)
                    try await losePowerWithoutManager(region, writes)
                }
                try await NumberedWrites.go(on: "zeta", region) { writes in try await drawnFaults(region, writes) }
                try await region.slipway("cluster", "delete", "zeta").required()
                try await region.expectNothingLeft()
            }
        }

        /// A zone with an etcd member and an API server: it is taken out of service, writes go on, and it comes back.
        /// - Parameter last: the zone that failed before: one that fails again is trusted later.
        /// - Returns: the zone.
        private func fail(_ kind: String, otherThan last: String?, _ region: RegionFixture, _ writes: NumberedWrites) async throws -> String
        {
            let zone = try await serving(region, otherThan: last)
            try await region.slipway("fault", "inject", "--zone", zone, "--kind", kind).required()
            try await eventually("\(zone), with \(kind), is out of service") {
                try await region.zones().contains { $0.name == zone && !$0.isInService }
            }
            try await writes.goOn("while \(zone) has \(kind)")
            try await region.slipway("fault", "clear").required()
            try await settle(region, "after \(kind)")
            try await writes.goOn("after \(kind)")
            return zone
        }

        /// A zone whose API server serves.
        private func serving(_ region: RegionFixture, otherThan last: String?) async throws -> String {
            let zones = try await region.cluster("zeta").instances.filter { $0.role == "apiServer" && $0.state == "ready" }
                .compactMap(\.zone)
            return try #require(zones.first { $0 != last })
        }

        /// Every zone is in service and the cluster whole.
        private func settle(_ region: RegionFixture, _ when: String) async throws {
            try await eventually("all is well \(when)", within: .seconds(180)) {
                guard try await region.zones().allSatisfy({ $0.isInService && $0.health != "impaired" }) else { return false }
                return try await region.cluster("zeta").isWhole
            }
        }

        /// No quorum is left, and all volumes are: it comes back by itself, also when nothing of the instances is left but their
        /// volumes.
        private func loseAllOfEtcd(_ region: RegionFixture, _ writes: NumberedWrites) async throws {
            let members = try await region.cluster("zeta").names("etcd")
            #expect(members.count == 3)
            for isWhole in [false, true] {
                let before = Set(try region.components().filter { $0.program == "etcd" }.map(\.process))
                try await region.killAll(of: members, in: "zeta")
                if isWhole {
                    for space in region.namespaces(of: "zeta") where members.contains(where: { space.hasSuffix(".\($0)") }) {
                        try await CommandRun.run("ip", ["netns", "delete", space]).required()
                    }
                }
                try await writes.goOn("after all of etcd was \(isWhole ? "lost" : "killed")")
                try await settle(region, "after all of etcd was \(isWhole ? "lost" : "killed")")
                let after = Set(try region.components().filter { $0.program == "etcd" }.map(\.process))
                #expect(after.count == 3 && after.isDisjoint(with: before), "all three were started again")
            }
        }

        /// The manager is dead when a zone loses power: what runs goes on. Nobody is there to fence the zone off, so it takes
        /// longer.
        private func losePowerWithoutManager(_ region: RegionFixture, _ writes: NumberedWrites) async throws {
            let zone = try await serving(region, otherThan: nil)
            let seen = try await region.cluster("zeta")
            let victims = seen.names("apiServer", in: zone) + seen.names("etcd", in: zone)
            #expect(victims.count == 2)
            try await region.killManager()
            for space in region.namespaces(of: "zeta") where victims.contains(where: { space.hasSuffix(".\($0)") }) {
                // First, so that no reset and no end of a connection gets out.
                try await CommandRun.run("ip", ["-n", space, "link", "set", "eth0", "down"]).required()
            }
            try await region.killAll(of: victims, in: "zeta")
            try await writes.goOn("without manager and without power in \(zone)", within: .seconds(150))
            #expect(try await region.serverProcess == nil, "the manager is still dead")
            try await region.service("slipway-server", "-u")
            try await eventually("the region is ready again") { try await region.isReady }
            try await settle(region, "with the manager back")
            try await writes.goOn("with the manager back")
        }

        /// Zone, kind and what else happens are drawn from the seed.
        private func drawnFaults(_ region: RegionFixture, _ writes: NumberedWrites) async throws {
            var random = SeededRandom(seed: Self.seed)
            let zones = try await region.zones().map(\.name)
            for _ in 0..<2 {
                let zone = zones[random.index(zones.count)]
                let kind = Self.kinds[random.index(Self.kinds.count)]
                let losesManager = random.chance(0.5)
                let what = "with \(kind) in \(zone)\(losesManager ? " and the manager killed" : "")"
                try await region.slipway("fault", "inject", "--zone", zone, "--kind", kind).required()
                if losesManager, let process = try await region.serverProcess { kill(process, SIGKILL) }
                try await writes.goOn(what)
                try await eventually("the region is ready") { try await region.isReady }
                try await region.slipway("fault", "clear").required()
                try await settle(region, what)
                try await writes.goOn("after \(what)")
            }
        }
    }
}
