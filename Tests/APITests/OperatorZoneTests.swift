import FleetModel
import FleetStore
import Foundation
import Identity
import SlipwayClient
import Testing
import Timing

@Suite struct OperatorZoneTests {
    private let a = "local-1a"
    private let b = "local-1b"

    @Test func aRegionBeginsWithItsZonesInServiceAndThePolicyAuto() async throws {
        let region = try await OperatorTestRegion()
        try await region.serve { client in
            let list = try await client(region.eks.admin).zones()
            #expect(list.zones.map(\.name) == region.eks.region.zones.map(\.rawValue))
            #expect(list.zones.allSatisfy { $0.serviceState == "inService" && $0.health == "unknown" })
            #expect(list.policy.evacuation == "auto" && list.policy.restoreAfterSeconds == 60)
        }
    }

    @Test func aZoneIsEvacuatedAndRestoredByHandAndEachAgainIsHarmless() async throws {
        let region = try await OperatorTestRegion()
        try await region.serve { client in
            let admin = client(region.eks.admin)
            for _ in 0..<2 {
                let zone = try await admin.evacuateZone(a, ZoneRequest(reason: "works on the power"))
                #expect(zone.isEvacuated && zone.reason == "works on the power" && zone.generation == 2)
                #expect(zone.requestedBy.hasSuffix("/admin"))
                #expect(zone.clusters == ZoneClusters(count: 0, doneCount: 0, pending: []))
            }
            for _ in 0..<2 { #expect(try await admin.restoreZone(a).serviceState == "inService") }
            #expect(try await admin.zone(a).generation == 3)
            #expect(region.eks.audit.records.map(\.operation).contains("EvacuateZone"))
        }
    }

    @Test func refusalsSayWhyAndChangeNothing() async throws {
        let region = try await OperatorTestRegion()
        try await region.serve { client in
            let admin = client(region.eks.admin)
            await expect("ResourceNotFoundException", "there are local-1a, local-1b, local-1c") { try await admin.evacuateZone("moon") }
            await expect("ResourceNotFoundException", "no zone") { try await admin.zone("moon") }
            await expect("InvalidParameterException", "auto, manual, off") {
                try await admin.setZonePolicy(ZonePolicyRequest(evacuation: "maybe"))
            }
            await expect("InvalidParameterException", "1 to 86400") {
                try await admin.setZonePolicy(ZonePolicyRequest(restoreAfterSeconds: 0))
            }
            _ = try await admin.evacuateZone(a)
            await expect("ResourceInUseException", "local-1a is out of service") {
                try await admin.evacuateZone(b, ZoneRequest(force: true))
            }
            #expect(try await admin.zone(b).serviceState == "inService")
        }
    }

    @Test func noZoneIsEvacuatedWhileAnotherIsImpairedAndAnImpairedOneIsRestoredOnlyWithForce() async throws {
        let region = try await OperatorTestRegion()
        let impaired = ZoneName(rawValue: a)
        _ = try await region.eks.store.zones(of: region.eks.region, now: region.eks.time.now)
        _ = try await region.eks.store.update(Zone.self, StoreKeys.zone(impaired)) { zone in
            var zone = zone
            zone.status = ZoneStatus(reports: [
                ZoneReport(
                    cell: CellName(rawValue: "a"), health: .impaired([.frozen]), evidence: ["nobody answers"], since: zone.spec.since)
            ])
            return zone
        }
        try await region.serve { client in
            let admin = client(region.eks.admin)
            let seen = try await admin.zone(a)
            #expect(seen.health == "impaired" && seen.failures == ["frozen"] && seen.evidence == ["nobody answers"])
            await expect("ResourceInUseException", "local-1a is impaired (frozen)") { try await admin.evacuateZone(b) }
            _ = try await admin.evacuateZone(a)
            await expect("InvalidRequestException", "nobody answers") { try await admin.restoreZone(a) }
            #expect(try await admin.restoreZone(a, ZoneRequest(force: true)).serviceState == "inService")
        }
    }

    @Test func capacityIsAskedForAndMayBeOverruled() async throws {
        let region = try await OperatorTestRegion()
        try await region.serve { client in
            let admin = client(region.eks.admin)
            _ = try await admin.createCluster(ClusterRequest(name: "demo"))
            let key = StoreKeys.cluster(try ClusterName("demo"), in: CellName(rawValue: "a"))
            _ = try await region.eks.store.update(Cluster.self, key) { cluster in
                var cluster = cluster
                cluster.status.activeSince = cluster.metadata.createdAt
                let address = cluster.spec.controlPlane.network.loadBalancer
                cluster.status.instances = [
                    InstanceSummary(
                        name: "api-1", role: .apiServer, zone: ZoneName(rawValue: a), address: address, release: nil, state: "ready",
                        isLeader: false),
                    InstanceSummary(
                        name: "api-2", role: .apiServer, zone: ZoneName(rawValue: b), address: address, release: nil, state: "starting",
                        isLeader: false),
                ]
                return cluster
            }
            await expect("InvalidRequestException", "demo: no API server is ready elsewhere. Evacuate it all the same with --force") {
                try await admin.evacuateZone(a)
            }
            let zone = try await admin.evacuateZone(a, ZoneRequest(force: true))
            #expect(zone.clusters?.pending == [.init(name: "demo", waits: ["api-1 is not fenced off yet"])])
        }
    }

    @Test func whoMayNotChangeZonesIsToldSo() async throws {
        let region = try await OperatorTestRegion()
        let viewer = try await region.eks.principal("viewer", .viewer)
        let owner = try await region.eks.principal("owner", .owner)
        try await region.serve { client in
            let seen = try await client(viewer).zones().zones
            #expect(seen.count == 3)
            for user in [viewer, owner] {
                await expect("AccessDeniedException", "slipway:EvacuateZone") { try await client(user).evacuateZone(a) }
                await expect("AccessDeniedException", "slipway:SetZonePolicy") {
                    try await client(user).setZonePolicy(ZonePolicyRequest(evacuation: "off"))
                }
            }
        }
    }

    @Test func ofTwoEvacuationsAtTheSameMomentOneIsRefused() async throws {
        let region = try await OperatorTestRegion()
        try await region.serve { client in
            let admin = client(region.eks.admin)
            let results = await withTaskGroup(of: Bool.self) { group in
                for zone in [a, b] { group.addTask { (try? await admin.evacuateZone(zone)) != nil } }
                return await group.reduce(into: [Bool]()) { $0.append($1) }
            }
            #expect(results.filter { $0 }.count == 1)
            let evacuated = try await admin.zones().zones.filter(\.isEvacuated)
            #expect(evacuated.count == 1)
        }
    }

    private func expect(
        _ code: String, _ text: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> some Any
    ) async {
        do {
            _ = try await body()
            Issue.record("expected \(code)", sourceLocation: sourceLocation)
        } catch let error as OperatorClientError {
            #expect(error.code == code, sourceLocation: sourceLocation)
            #expect(error.message.contains(text), "\(error.message)", sourceLocation: sourceLocation)
        } catch {
            Issue.record(error, sourceLocation: sourceLocation)
        }
    }
}
