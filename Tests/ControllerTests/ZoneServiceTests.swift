import Fleet
import FleetModel
import FleetStore
import Foundation
import Logging
import Planning
import SimulatedSubstrate
import Simulation
import Synchronization
import Testing
import Timing

/// The service over a store in memory, with probes that see what the test says.
@Suite struct ZoneServiceTests {
    private final class World: Sendable {
        let store = MemoryStore(time: .system)
        let board = ServiceStateBoard()
        let region = Region.standard()
        let cell = CellName(rawValue: "a")
        /// Zones out of reach.
        let dark = Mutex<Set<ZoneName>>([])

        func zone(_ index: Int) -> ZoneName { region.zones[index] }

        func service(board: ServiceStateBoard? = nil) -> ZoneService {
            let probe = SimulatedZoneProbe(time: .system) { [self] name in
                guard let zones = try? Self.instances(region) else { return [:] }
                let dark = dark.withLock { $0 }
                return zones.mapValues { dark.contains($0.zone) ? .lost : .answers(.milliseconds(1)) }
            }
            return ZoneService(
                configuration: ZoneServiceConfiguration(region: region, cell: cell, interval: .milliseconds(100)), store: store,
                probe: probe, backends: nil, board: board ?? self.board, time: .system,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        }

        private static func instances(_ region: Region) throws -> [String: (zone: ZoneName, role: InstanceRole)] {
            var instances: [String: (zone: ZoneName, role: InstanceRole)] = [:]
            for zone in region.zones { instances["etcd-\(zone)"] = (zone, .etcd) }
            instances["api-1"] = (region.zones[0], .apiServer)
            instances["api-2"] = (region.zones[1], .apiServer)
            return instances
        }

        /// A cluster that the store has as whole.
        func addCluster(_ text: String, slot: Int, shifts: Bool = true) async throws -> ClusterName {
            let name = try ClusterName(text)
            let network = try ClusterNetwork(pool: try IPv4Block("100.66.0.0/16"), slot: slot)
            let now = TimeSource.system.now
            var settings = ClusterSettings(roleARN: "r", subnetIDs: [], creatorARN: "c")
            settings.zonalShift = shifts
            var cluster = Cluster(
                name: name, cell: cell, metadata: Metadata(uid: text, createdAt: now),
                spec: ClusterSpec(
                    controlPlane: ControlPlaneSpec(
                        release: ReleaseID(rawValue: "1.33.4-eks.1"), version: try KubernetesVersion("1.33.4"), zones: region.zones,
                        network: network), settings: settings))
            cluster.status.activeSince = now
            cluster.status.instances = try Self.instances(region).map { name, place in
                InstanceSummary(
                    name: name, role: place.role, zone: place.zone, address: network.loadBalancer, release: nil, state: "ready",
                    isLeader: false)
            }
            try await store.create(cluster)
            return name
        }

        /// What is left of the cluster's instances in a zone, by the state that its controllers see.
        func end(_ name: ClusterName, in index: Int, _ instances: Set<String>? = nil) async throws {
            let zone = zone(index)
            _ = try await store.update(Cluster.self, StoreKeys.cluster(name, in: cell)) { cluster in
                var cluster = cluster
                for place in cluster.status.instances.indices where cluster.status.instances[place].zone == zone {
                    guard instances?.contains(cluster.status.instances[place].name) ?? true else { continue }
                    cluster.status.instances[place].state = "stopped"
                }
                return cluster
            }
        }

        func stored(_ index: Int) async throws -> Zone? { try await store.get(Zone.self, StoreKeys.zone(zone(index)))?.value }

        /// Runs the service while `body` does.
        func running(_ body: @escaping @Sendable () async throws -> Void) async throws {
            let service = service()
            try await service.fill()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await self.store.run() }
                group.addTask { try await service.run() }
                group.addTask { try await body() }
                _ = try await group.next()
                group.cancelAll()
                while let result = await group.nextResult() { _ = result }
            }
        }

        func eventually(_ what: String, _ isSo: () async throws -> Bool) async throws {
            let deadline = TimeSource.system.uptime + .seconds(30)
            while TimeSource.system.uptime < deadline {
                if try await isSo() { return }
                try await TimeSource.system.sleep(for: .milliseconds(20))
            }
            Issue.record("never: \(what)")
        }
    }

    @Test func aDarkZoneIsEvacuatedStoredAndFoundAgain() async throws {
        let world = World()
        let (one, two) = (try await world.addCluster("one", slot: 0), try await world.addCluster("two", slot: 1, shifts: false))
        try await world.running {
            try await world.eventually("healthy") { try await world.stored(0)?.status.health == .healthy }
            world.dark.withLock { $0 = [world.zone(0)] }
            try await world.eventually("isolated") { world.board.view(of: one).isolated == ["etcd-local-1a", "api-1"] }
            try await world.eventually("evacuated") { world.board.view(of: one).evacuatedZones == [world.zone(0)] }
            // It is left out of evacuations, and not of what concerns single instances.
            let other = world.board.view(of: two)
            #expect(other.evacuatedZones.isEmpty && other.isolated == ["etcd-local-1a", "api-1"])
            try await world.eventually("stored") { try await world.stored(0)?.isEvacuated == true }
            try await world.eventually("reported") { try await world.stored(0)?.status.health == .impaired([.unreachable]) }
            let zone = try #require(try await world.stored(0))
            #expect(zone.spec.requestedBy == "auto" && !zone.spec.reason.isEmpty && !zone.status.evidence.isEmpty)
            try await world.eventually("isolation stored") {
                try await world.store.get(StoreKey(rawValue: "cells/a/isolation")) != nil
            }
        }
        // Another leader takes over: it knows before it looks.
        let board = ServiceStateBoard()
        try await world.service(board: board).fill()
        #expect(board.view(of: one).evacuatedZones == [world.zone(0)])
        #expect(board.view(of: one).isolated == ["etcd-local-1a", "api-1"])
    }

    /// It takes a while to find a grey zone: what the last leader found holds until then.
    @Test func aZoneThatTheLastLeaderFoundImpairedIsDoubtedForAWhile() async throws {
        let world = World()
        let one = try await world.addCluster("one", slot: 0)
        try await world.service().fill()
        #expect(world.board.view(of: one).impairedZones.isEmpty)
        let report = ZoneReport(cell: world.cell, health: .impaired([.lossy]), evidence: [], since: TimeSource.system.now)
        _ = try await world.store.update(Zone.self, StoreKeys.zone(world.zone(0))) { zone in
            var zone = zone
            zone.status = zone.status.with(report)
            return zone
        }
        try await world.running {
            try await world.eventually("healthy") { try await world.stored(0)?.status.health == .healthy }
            #expect(world.board.view(of: one).impairedZones == [world.zone(0)])
            try await world.eventually("believed") { world.board.view(of: one).impairedZones.isEmpty }
        }
    }

    @Test func withPolicyManualNothingIsEvacuatedAndWithOffNothingIsDone() async throws {
        for policy in [EvacuationPolicy.manual, .off] {
            let world = World()
            let one = try await world.addCluster("one", slot: 0)
            let now = TimeSource.system.now
            try await world.store.create(RegionPolicy(evacuation: policy, changedAt: now))
            try await world.running {
                try await world.eventually("healthy") { try await world.stored(0)?.status.health == .healthy }
                world.dark.withLock { $0 = [world.zone(0)] }
                try await world.eventually("reported") { try await world.stored(0)?.status.health == .impaired([.unreachable]) }
                #expect(try await world.stored(0)?.isEvacuated == false)
                let view = world.board.view(of: one)
                #expect(view.evacuatedZones.isEmpty && view.isolated.isEmpty == (policy == .off))
                #expect(view.impairedZones == [world.zone(0)])
            }
        }
    }

    @Test func whatAnOperatorWritesIsHeededAtOnce() async throws {
        let world = World()
        let one = try await world.addCluster("one", slot: 0, shifts: false)
        try await world.running {
            try await world.eventually("healthy") { try await world.stored(1)?.status.health == .healthy }
            let now = TimeSource.system.now
            _ = try await world.store.update(Zone.self, StoreKeys.zone(world.zone(1))) { zone in
                var zone = zone
                zone.spec = zone.spec.changed(to: .evacuated, by: "arn:aws:iam::0:user/admin", reason: "test", at: now)
                return zone
            }
            try await world.eventually("on the board") { world.board.view(of: one).evacuatedZones == [world.zone(1)] }
        }
    }

    @Test func aZoneThatIsWellAgainComesBackByItself() async throws {
        let world = World()
        let one = try await world.addCluster("one", slot: 0)
        let now = TimeSource.system.now
        try await world.store.create(RegionPolicy(restoreAfter: 1, changedAt: now))
        var evacuated = Zone.inService(world.zone(0), since: now.addingTimeInterval(-60))
        evacuated.spec = evacuated.spec.changed(to: .evacuated, by: ZoneSpec.automatic, reason: "test", at: now.addingTimeInterval(-30))
        try await world.store.create(evacuated)
        try await world.running {
            #expect(world.board.view(of: one).evacuatedZones == [world.zone(0)])
            try await world.eventually("restored") { try await world.stored(0)?.isEvacuated == false }
            try await world.eventually("on the board") { world.board.view(of: one).evacuatedZones.isEmpty }
        }
    }

    /// Nothing is started in a zone that is out, so what has ended there would be silent for ever.
    @Test func aZoneInWhichEverythingHasEndedIsTried() async throws {
        let world = World()
        let one = try await world.addCluster("one", slot: 0)
        try await world.store.create(RegionPolicy(restoreAfter: 1, changedAt: TimeSource.system.now))
        try await world.running {
            try await world.eventually("healthy") { try await world.stored(0)?.status.health == .healthy }
            world.dark.withLock { $0 = [world.zone(0)] }
            try await world.eventually("evacuated") { try await world.stored(0)?.isEvacuated == true }
            try await world.eventually("reported") { try await world.stored(0)?.status.health == .impaired([.unreachable]) }
            try await world.end(one, in: 0)
            try await world.eventually("tried") { try await world.stored(0)?.isEvacuated == false }
        }
    }

    /// It is to be started, and one that is out of service would not be.
    @Test func anInstanceThatHasEndedIsNoLongerIsolated() async throws {
        let world = World()
        let one = try await world.addCluster("one", slot: 0)
        let member = "etcd-\(world.zone(2))"
        try await world.running {
            try await world.eventually("healthy") { try await world.stored(2)?.status.health == .healthy }
            world.dark.withLock { $0 = [world.zone(2)] }
            try await world.eventually("isolated") { world.board.view(of: one).isolated == [member] }
            try await world.end(one, in: 2, [member])
            try await world.eventually("no longer") { world.board.view(of: one).isolated.isEmpty }
        }
    }
}
