import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Identity
import KeyRing
import Testing
import Timing

@Suite struct EKSEncryptionTests {
    private func body(_ arn: String, _ resources: String = #"["secrets"]"#) -> String {
        #"{"encryptionConfig":[{"resources":\#(resources),"provider":{"keyArn":"\#(arn)"}}]}"#
    }

    /// A region with a key, and an active cluster `demo`.
    private func region() async throws -> (EKSTestRegion, KeyDescription) {
        let region = try await EKSTestRegion()
        let key = try await region.keys.create(description: "")
        try await region.createCluster("demo")
        let now = region.time.now
        let stored = try #require(try await region.cluster("demo"))
        _ = try await region.store.update(Cluster.self, stored.storeKey) { cluster in
            var new = cluster
            new.status.phase = .active
            new.status.activeSince = now
            return new
        }
        return (region, key)
    }

    private let path = "/clusters/demo/encryption-config/associate"

    @Test func anAssociationIsAnUpdateAndIsSaidBack() async throws {
        let (region, key) = try await region()
        let answer = try await region.call(.post, path, body(key.arn))
        #expect(answer.status == 200)
        #expect(answer["update", "type"] == "AssociateEncryptionConfig" && answer["update", "status"] == "InProgress")
        let described = try await region.call(.get, "/clusters/demo").text
        #expect(
            described.contains(#""encryptionConfig":[{"provider":{"keyArn":"\#(key.arn)"},"resources":["secrets"]}]"#), "\(described)")
        let stored = try #require(try await region.cluster("demo"))
        #expect(stored.spec.encryption?.phase == .readable && stored.spec.encryption?.scope == stored.metadata.uid)
        #expect(stored.spec.encryption?.updateID == answer["update", "id"])
        #expect(stored.metadata.generation == 2)
    }

    @Test func theClusterIsUpdatingUntilItsUpdateHasEnded() async throws {
        let (region, key) = try await region()
        _ = try await region.call(.post, path, body(key.arn))
        #expect(try await region.call(.get, "/clusters/demo")["cluster", "status"] == "UPDATING")
        for (target, text) in [
            ("/clusters/demo/updates", #"{"version": "1.20"}"#), ("/clusters/demo/update-config", #"{"deletionProtection": true}"#),
        ] {
            let answer = try await region.call(.post, target, text)
            #expect(answer.status == 409 && answer.errorType == "ResourceInUseException", "\(answer.text)")
        }
        let stored = try #require(try await region.cluster("demo"))
        #expect(stored.spec.isUpdating)
    }

    @Test func itIsDoneOnceAndForAll() async throws {
        let (region, key) = try await region()
        let token = String(body(key.arn).dropLast()) + #","clientRequestToken":"t"}"#
        let first = try await region.call(.post, path, token)
        #expect(first.status == 200)
        #expect(try await region.call(.post, path, token).text == first.text, "the same token gives the same update")
        let other = try await region.keys.create(description: "")
        #expect(try await region.call(.post, path, body(other.arn)).errorType == "ResourceInUseException")
        let id = try #require(first["update", "id"])
        // API servers seal with it.
        try await change(region) { spec in
            spec.update = nil
            spec.encryption?.phase = .writable
        }
        let cancelling = try await region.call(.post, "/clusters/demo/updates/\(id)/cancel-update", "{}")
        #expect(cancelling.errorType == "InvalidRequestException" && cancelling.text.contains("cannot be taken back"))
        try await settle(region, id)
        let again = try await region.call(.post, path, body(other.arn))
        #expect(again.status == 400 && again.text.contains("InvalidRequestException") && again.text.contains("neither undone"))
        #expect(try await region.cluster("demo")?.spec.encryption?.keyARN == key.arn)
    }

    @Test func untilAPIServersSealItCanBeCancelled() async throws {
        let (region, key) = try await region()
        let before = try #require(try await region.cluster("demo")).spec
        let id = try #require(try await region.call(.post, path, body(key.arn))["update", "id"])
        let cancelling = try await region.call(.post, "/clusters/demo/updates/\(id)/cancel-update", "{}")
        #expect(cancelling.status == 200, "\(cancelling.text)")
        let spec = try #require(try await region.cluster("demo")).spec
        #expect(spec.update?.reversal?.isCancelled == true)
        #expect(spec.encryption == nil && spec.controlPlane == before.controlPlane)
        #expect(!(try await region.call(.get, "/clusters/demo").text.contains(key.arn)))
        // It is an update until the API servers are what they were.
        let again = try await region.call(.post, path, body(key.arn))
        #expect(again.errorType == "ResourceInUseException")
    }

    private func change(_ region: EKSTestRegion, _ change: @escaping @Sendable (inout ClusterSpec) -> Void) async throws {
        let cluster = try #require(try await region.cluster("demo"))
        _ = try await region.store.update(Cluster.self, cluster.storeKey) { cluster in
            var new = cluster
            change(&new.spec)
            return new
        }
    }

    /// As the service does when all secrets are sealed.
    private func settle(_ region: EKSTestRegion, _ id: String) async throws {
        let cluster = try #require(try await region.cluster("demo"))
        try await change(region) { spec in
            spec.encryption?.phase = .settled
            spec.encryption?.updateID = nil
        }
        let key = StoreKey(rawValue: StoreKeys.updates(of: cluster.name, in: cluster.cell).rawValue + id)
        _ = try await region.store.update(ClusterUpdate.self, key) { update in
            var new = update
            new.status = .successful
            return new
        }
    }

    @Test func whatCannotBeIsRefusedAndChangesNothing() async throws {
        let (region, key) = try await region()
        let before = try await region.cluster("demo")
        let bodies = [
            "{}", #"{"encryptionConfig":[]}"#, body(key.arn, "[]"), body(key.arn, #"["configmaps"]"#), body(""), body("arn:aws:kms:x"),
            body(key.id), body(key.arn + "0"), #"{"encryptionConfig":[{"resources":["secrets"]}]}"#,
        ]
        for text in bodies {
            let answer = try await region.call(.post, path, text)
            #expect(answer.status == 400 && answer.text.contains("InvalidParameterException"), "\(text): \(answer.text)")
        }
        #expect(try await region.call(.post, "/clusters/other/encryption-config/associate", body(key.arn)).status == 404)
        #expect(try await region.cluster("demo") == before)
        let viewer = try await region.principal("vera", .viewer)
        #expect(try await region.call(.post, path, body(key.arn), as: viewer).status == 403)
    }

    @Test func oneUpdateAtATime() async throws {
        let (region, key) = try await region()
        let other = ClusterUpdate(
            id: "4f7f6c5e-0000-4000-8000-000000000000", cluster: try ClusterName("demo"), cell: CellName(rawValue: "a"),
            status: .inProgress, type: "VersionUpdate", parameters: [:], createdAt: region.time.now)
        try await region.store.create(other)
        let answer = try await region.call(.post, path, body(key.arn))
        #expect(answer.status == 409 && answer.text.contains("ResourceInUseException"))
    }

    @Test func aClusterCanBeginEncrypted() async throws {
        let (region, key) = try await region()
        try await region.createCluster("sealed", member(key.arn))
        #expect(try await region.cluster("sealed")?.spec.encryption?.phase == .settled, "nothing was ever plain")
        let unknown = EKSTestRegion.createBody("third", member(key.arn + "0"))
        #expect(try await region.call(.post, "/clusters", unknown).status == 400)
        #expect(try await region.cluster("third") == nil)
    }

    @Test func aRegionWithoutKeysSaysSo() async throws {
        let region = try await EKSTestRegion(hasKeys: false)
        let wanted = EKSTestRegion.createBody("demo", member("arn:aws:kms:local-1:000000000000:key/x"))
        let answer = try await region.call(.post, "/clusters", wanted)
        #expect(answer.status == 400 && answer.text.contains("not offered"))
    }

    /// The member `encryptionConfig` of a request.
    private func member(_ arn: String) -> String { String(body(arn).dropFirst().dropLast()) }
}
