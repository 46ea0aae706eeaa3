import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Identity
import SlipwayClient
import Testing
import Timing

struct OperatorRotationTests {
    private func active() async throws -> OperatorTestRegion {
        let region = try await OperatorTestRegion()
        try await region.eks.createCluster("demo")
        try await change(region) {
            $0.status.phase = .active
            $0.status.activeSince = region.eks.time.now
        }
        return region
    }

    private func change(_ region: OperatorTestRegion, _ body: (inout Cluster) -> Void) async throws {
        let key = StoreKeys.cluster(try ClusterName("demo"), in: CellName(rawValue: "a"))
        _ = try await region.eks.store.update(Cluster.self, key) { cluster in
            var new = cluster
            body(&new)
            return new
        }
    }

    private func expect(_ code: String, _ body: () async throws -> UpdateDetail) async {
        let error = await #expect(throws: OperatorClientError.self) { _ = try await body() }
        #expect(error?.code == code)
    }

    @Test func everythingIsRotatedAsOneUpdate() async throws {
        let region = try await active()
        try await region.serve { client in
            let admin = client(region.eks.admin)
            await expect("InvalidRequestException") { try await admin.rotate("demo", RotationRequest(completes: true)) }
            await expect("InvalidParameterException") { try await admin.rotate("demo", RotationRequest(parts: ["passwords"])) }
            let update = try await admin.rotate("demo", RotationRequest())
            #expect(update.type == "CertificateRotation" && update.status == "InProgress")
            #expect(update.parameters == ["Renews": "authorities,service-account-key"])
            let demo = try #require(try await region.eks.cluster("demo"))
            #expect(demo.spec.rotation?.phase == .requested && demo.spec.rotation?.updateID == update.id)
            #expect(demo.spec.update?.id == update.id && demo.spec.update?.previousRotation == nil)
            #expect(try await admin.cluster("demo").rotation?.parts == ["authorities", "service-account-key"])
            await expect("ResourceInUseException") { try await admin.rotate("demo", RotationRequest(parts: ["certificates"])) }
            #expect(region.eks.audit.records.map(\.operation).contains("RotateCertificates"))
            // Clients that are made of the EKS model know no such type.
            let shown = try await region.eks.call(.get, "/clusters/demo/updates/\(update.id)")
            #expect(shown["update", "type"] == "ConfigUpdate")
            // How far it is, and that it goes back.
            try await change(region) { $0.status.waits = [Wait("OnTrial", "api-3 is on trial")] }
            #expect(try await admin.update(update.id, of: "demo").waits?.map(\.message) == ["api-3 is on trial"])
            _ = try await admin.cancelUpdate(nil, of: "demo")
            #expect(try await admin.update(update.id, of: "demo").reversal?.contains("cancelled by") == true)
        }
    }

    @Test func onlyCertificatesTakeOnePass() async throws {
        let region = try await active()
        let before = try #require(try await region.eks.cluster("demo")).spec.controlPlane
        try await region.serve { client in
            _ = try await client(region.eks.admin).rotate("demo", RotationRequest(parts: ["certificates"]))
        }
        let after = try #require(try await region.eks.cluster("demo")).spec
        #expect(after.rotation == nil && after.controlPlane.revision(of: .etcd) == before.revision(of: .etcd) + 1)
        #expect(after.controlPlane.revision(of: .apiServer) == before.revision(of: .apiServer) + 1)
    }

    @Test func whatStandsIsCompletedBeforeTheNext() async throws {
        let region = try await active()
        try await change(region) { $0.spec.rotation = RotationIntent(parts: [.authorities], phase: .issued, present: 1, next: 2) }
        try await region.serve { client in
            let admin = client(region.eks.admin)
            await expect("InvalidRequestException") { try await admin.rotate("demo", RotationRequest()) }
            await expect("InvalidParameterException") {
                try await admin.rotate("demo", RotationRequest(parts: ["authorities"], completes: true))
            }
            let update = try await admin.rotate("demo", RotationRequest(completes: true))
            let demo = try #require(try await region.eks.cluster("demo"))
            #expect(demo.spec.rotation?.goal == .settled && demo.spec.rotation?.phase == .issued)
            #expect(demo.spec.rotation?.updateID == update.id && demo.spec.update?.previousRotation?.goal == .issued)
        }
    }

    @Test func oneThatStandsHalfWayGoesOn() async throws {
        let region = try await active()
        try await change(region) { $0.spec.rotation = RotationIntent(parts: [.authorities], phase: .trusted, present: 1, next: 2) }
        try await region.serve { client in
            let admin = client(region.eks.admin)
            await expect("InvalidRequestException") { try await admin.rotate("demo", RotationRequest(parts: ["service-account-key"])) }
            _ = try await admin.rotate("demo", RotationRequest(parts: ["authorities"]))
            #expect(try await region.eks.cluster("demo")?.spec.rotation?.phase == .trusted)
        }
    }

    @Test func whoMayNotChangeItMayNotRotateIt() async throws {
        let region = try await active()
        let viewing = try await region.eks.principal("vera", .viewer)
        try await region.serve { client in
            await expect("AccessDeniedException") { try await client(viewing).rotate("demo", RotationRequest()) }
        }
    }
}
