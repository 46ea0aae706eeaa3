import ClusterService
import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Identity
import SignatureV4
import Testing
import Timing

@Suite struct EKSUpdateTests {
    /// A region with the active cluster `demo` of Kubernetes 1.20, platform version 1.
    private func active() async throws -> EKSTestRegion {
        let region = try await EKSTestRegion()
        try await region.createCluster("demo", #""version": "1.20""#)
        try await change(region) {
            $0.spec.controlPlane.release = ReleaseID(rawValue: "1.20.2-eks.1")
            $0.spec.controlPlane.etcdRelease = ReleaseID(rawValue: "1.20.2-eks.1")
            $0.spec.controlPlane.version = KubernetesVersion(major: 1, minor: 20, patch: 2)
            $0.status.phase = .active
            $0.status.activeSince = region.time.now
        }
        return region
    }

    private func change(_ region: EKSTestRegion, _ body: (inout Cluster) -> Void) async throws {
        let key = StoreKeys.cluster(try ClusterName("demo"), in: CellName(rawValue: "a"))
        _ = try await region.store.update(Cluster.self, key) { cluster in
            var new = cluster
            body(&new)
            return new
        }
    }

    private func cluster(_ region: EKSTestRegion) async throws -> Cluster {
        let key = StoreKeys.cluster(try ClusterName("demo"), in: CellName(rawValue: "a"))
        return try #require(try await region.store.get(Cluster.self, key)).value
    }

    private func update(_ region: EKSTestRegion, _ body: String) async throws -> EKSAnswer {
        try await region.call(.post, "/clusters/demo/updates", body)
    }

    private func configure(_ region: EKSTestRegion, _ body: String) async throws -> EKSAnswer {
        try await region.call(.post, "/clusters/demo/update-config", body)
    }

    @Test func theSameVersionGoesToItsNewestPlatformVersion() async throws {
        let region = try await active()
        let answer = try await update(region, #"{"version": "1.20", "clientRequestToken": "t"}"#)
        #expect(answer.status == 200)
        #expect(answer["update", "status"] == "InProgress")
        #expect(answer["update", "type"] == "VersionUpdate")
        let demo = try await cluster(region)
        #expect(demo.spec.controlPlane.release.rawValue == "1.20.15-eks.2")
        // Both releases pin the same etcd.
        #expect(demo.spec.controlPlane.etcdRelease.rawValue == "1.20.2-eks.1")
        #expect(demo.spec.update?.previous.release.rawValue == "1.20.2-eks.1")
        #expect(try await region.call(.get, "/clusters/demo")["cluster", "status"] == "UPDATING")
        // The same request is the same update; a second update has to wait.
        let id = try #require(answer["update", "id"])
        #expect(try await update(region, #"{"version": "1.20", "clientRequestToken": "t"}"#)["update", "id"] == id)
        #expect(try await update(region, #"{"version": "1.20", "clientRequestToken": "t", "force": true}"#).status == 400)
        let second = try await update(region, #"{"version": "1.20"}"#)
        #expect(second.status == 409)
        #expect(second.errorType == "ResourceInUseException")
        #expect(try await configure(region, #"{"deletionProtection": true}"#).errorType == "ResourceInUseException")
        #expect(try await region.call(.get, "/clusters/demo/updates").strings("updateIds") == [id])
        #expect(try await region.call(.get, "/clusters/demo/updates/\(id)")["update", "status"] == "InProgress")
    }

    @Test func withoutANewerPlatformVersionItIsRefused() async throws {
        let region = try await active()
        try await change(region) { $0.spec.controlPlane.release = ReleaseID(rawValue: "1.20.15-eks.2") }
        let answer = try await update(region, #"{"version": "1.20"}"#)
        #expect(answer.status == 400)
        #expect(answer.errorType == "InvalidParameterException")
        #expect(try await cluster(region).spec.update == nil)
    }

    @Test(arguments: ["1.33", "1.19", "1.21", "v1.20", "1.20.15", "one", ""])
    func otherVersionsAreRefused(_ version: String) async throws {
        let region = try await active()
        let answer = try await update(region, #"{"version": "\#(version)"}"#)
        #expect(answer.status == 400)
        #expect(answer.errorType == "InvalidParameterException")
    }

    @Test func aClusterThatNeverServedHasToWait() async throws {
        let region = try await EKSTestRegion()
        try await region.createCluster("demo", #""version": "1.20""#)
        #expect(try await update(region, #"{"version": "1.20"}"#).errorType == "ResourceInUseException")
    }

    @Test func whoMayNotChangeItMayNotUpdateIt() async throws {
        let region = try await active()
        let viewer = try await region.principal("anna", .viewer)
        let answer = try await region.call(.post, "/clusters/demo/updates", #"{"version": "1.20"}"#, as: viewer)
        #expect(answer.status == 403)
    }

    @Test func etcdNeverGoesBackToAnOlderStorage() throws {
        #expect(try EtcdStorage.change(from: "3.4.23", to: "3.5.16") == .next)
        #expect(try EtcdStorage.change(from: "3.5.16", to: "3.5.30") == .same)
        #expect(try EtcdStorage.change(from: "3.5.16", to: "3.4.23") == .downgrade)
        #expect(try EtcdStorage.change(from: "3.4.23", to: "3.6.1") == .skip)
    }

    // MARK: UpdateClusterConfig

    @Test func whoReachesTheEndpointIsIntent() async throws {
        let region = try await active()
        let body = #"{"resourcesVpcConfig": {"endpointPrivateAccess": true, "publicAccessCidrs": ["192.0.2.0/24"]}}"#
        let answer = try await configure(region, body)
        #expect(answer.status == 200)
        #expect(answer["update", "type"] == "EndpointAccessUpdate")
        #expect(answer["update", "status"] == "InProgress")
        let access = try await cluster(region).spec.controlPlane.endpointAccess
        #expect(access == EndpointAccess(publicBlocks: [try IPv4Block("192.0.2.0/24")], isPrivate: true))
        let shown = try await region.call(.get, "/clusters/demo")
        #expect(shown["cluster", "resourcesVpcConfig", "endpointPrivateAccess"] == "1")
    }

    /// As Terraform sends it: the blocks that it knows go along, with or without effect.
    @Test func blocksAreKeptWhilePublicAccessIsOff() async throws {
        let region = try await active()
        let off = #"""
            {"resourcesVpcConfig": {"endpointPublicAccess": false, "endpointPrivateAccess": true,
             "publicAccessCidrs": ["192.0.2.0/24"]}}
            """#
        #expect(try await configure(region, off).status == 200)
        #expect(try await cluster(region).spec.controlPlane.endpointAccess == EndpointAccess(publicBlocks: [], isPrivate: true))
        #expect(try await region.call(.get, "/clusters/demo").text.contains(#""publicAccessCidrs":["192.0.2.0/24"]"#))
        try await change(region) { $0.spec.update = nil }
        #expect(try await configure(region, #"{"resourcesVpcConfig": {"endpointPublicAccess": true}}"#).status == 200)
        let blocks = [try IPv4Block("192.0.2.0/24")]
        #expect(try await cluster(region).spec.controlPlane.endpointAccess == EndpointAccess(publicBlocks: blocks, isPrivate: true))
    }

    @Test func whatWasPrivateFromTheStartOpensToEverybody() async throws {
        let region = try await active()
        try await change(region) {
            ($0.spec.settings.endpointPublicAccess, $0.spec.settings.endpointPrivateAccess) = (false, true)
            $0.spec.settings.publicAccessCIDRs = []
            $0.spec.controlPlane.endpointAccess = EndpointAccess($0.spec.settings)
        }
        #expect(try await configure(region, #"{"resourcesVpcConfig": {"endpointPublicAccess": true}}"#).status == 200)
        #expect(try await cluster(region).spec.controlPlane.endpointAccess == nil)
        #expect(try await region.call(.get, "/clusters/demo").text.contains(#""publicAccessCidrs":["0.0.0.0/0"]"#))
    }

    /// What runs is said, not what is to run.
    @Test func theVersionIsThatOfBeforeUntilTheUpdateHasEnded() async throws {
        let region = try await active()
        let before = try await region.call(.get, "/clusters/demo")["cluster", "platformVersion"]
        _ = try await update(region, #"{"version": "1.20"}"#)
        #expect(try await region.call(.get, "/clusters/demo")["cluster", "platformVersion"] == before)
        try await change(region) { $0.spec.update = nil }
        #expect(try await region.call(.get, "/clusters/demo")["cluster", "platformVersion"] != before)
    }

    @Test func whatGoesBackAlreadyCannotBeCancelled() async throws {
        let region = try await active()
        let id = try #require(try await update(region, #"{"version": "1.20"}"#)["update", "id"])
        try await change(region) { $0.spec.revert(.init(reason: "it ends", errorCode: "Unknown", decidedAt: .distantPast)) }
        let answer = try await region.call(.post, "/clusters/demo/updates/\(id)/cancel-update", "{}")
        #expect(answer.errorType == "InvalidRequestException" && answer.text.contains("it ends"), "\(answer.text)")
    }

    /// What a restore has left to be encrypted does not keep from changing what nothing depends on.
    @Test func whileSecretsAreEncryptedAfterARestoreSettingsCanBeChanged() async throws {
        let region = try await active()
        try await change(region) {
            $0.spec.encryption = EncryptionIntent(
                keyARN: "arn:aws:kms:local-1:1:key/u", scope: "s", target: EncryptionSeal(keyVersion: 1, interface: .v1), phase: .writable)
        }
        #expect(try await configure(region, #"{"deletionProtection": true}"#).status == 200)
        #expect(try await update(region, #"{"version": "1.20"}"#).errorType == "ResourceInUseException")
        try await change(region) { $0.spec.encryption?.updateID = "u" }
        #expect(try await configure(region, #"{"deletionProtection": false}"#).errorType == "ResourceInUseException")
    }

    @Test func logsChangeAPIServersOnly() async throws {
        let region = try await active()
        let before = try await cluster(region).spec.controlPlane
        let answer = try await configure(
            region, #"{"logging": {"clusterLogging": [{"types": ["audit", "api"], "enabled": true}]}}"#)
        #expect(answer["update", "type"] == "LoggingUpdate")
        let after = try await cluster(region)
        #expect(after.spec.settings.enabledLogTypes == ["api", "audit"])
        #expect(after.spec.controlPlane.revision(of: .apiServer) == before.revision(of: .apiServer) + 1)
        #expect(after.spec.controlPlane.revision(of: .etcd) == before.revision(of: .etcd))
    }

    @Test(arguments: [
        (#"{"upgradePolicy": {"supportType": "STANDARD"}}"#, "UpgradePolicyUpdate"),
        (#"{"zonalShiftConfig": {"enabled": true}}"#, "ZonalShiftConfigUpdate"),
        (#"{"accessConfig": {"authenticationMode": "API"}}"#, "AccessConfigUpdate"),
        (#"{"controlPlaneScalingConfig": {"tier": "tier-xl"}}"#, "ControlPlaneScalingConfigUpdate"),
        (#"{"deletionProtection": true}"#, "DeletionProtectionUpdate"),
        (#"{"resourcesVpcConfig": {"subnetIds": ["subnet-local-1a", "subnet-local-1b"]}}"#, "VpcConfigUpdate"),
    ])
    func whatTouchesNothingThatRunsIsDoneAtOnce(_ body: String, _ type: String) async throws {
        let region = try await active()
        let answer = try await configure(region, body)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer["update", "status"] == "Successful")
        #expect(answer["update", "type"] == type)
        #expect(try await region.call(.get, "/clusters/demo")["cluster", "status"] == "ACTIVE")
        // Asked for again, there is nothing to change.
        #expect(try await configure(region, body).errorType == "InvalidParameterException")
    }

    @Test(arguments: [
        #"{}"#, #"{"deletionProtection": true, "zonalShiftConfig": {"enabled": true}}"#,
        #"{"resourcesVpcConfig": {"endpointPublicAccess": false}}"#,
        #"{"resourcesVpcConfig": {"publicAccessCidrs": ["300.0.0.0/8"]}}"#,
        #"{"resourcesVpcConfig": {"publicAccessCidrs": ["10.0.0.0/+8"]}}"#,
        #"{"resourcesVpcConfig": {"publicAccessCidrs": ["10.0.0.0/08"]}}"#,
        #"{"resourcesVpcConfig": {"publicAccessCidrs": ["010.0.0.0/8"]}}"#,
        #"{"resourcesVpcConfig": {"endpointPrivateAccess": true, "subnetIds": ["subnet-local-1a", "subnet-local-1b"]}}"#,
        #"{"accessConfig": {"authenticationMode": "CONFIG_MAP"}}"#, #"{"controlPlaneScalingConfig": {"tier": "huge"}}"#,
        #"{"logging": {"clusterLogging": [{"types": ["everything"], "enabled": true}]}}"#,
        #"{"computeConfig": {"enabled": true}}"#, #"{"upgradePolicy": {}}"#, #"{"kubeApiServerConfig": {"eventTtl": "30m"}}"#,
        #"{"deletionProtection": true, "kubeSchedulerConfig": {}}"#,
        #"{"resourcesVpcConfig": {"controlPlaneEgressMode": "x", "publicAccessCidrs": ["10.0.0.0/8"]}}"#,
    ])
    func whatIsNotAllowedIsRefused(_ body: String) async throws {
        let region = try await active()
        let answer = try await configure(region, body)
        #expect(answer.status == 400, "\(answer.text)")
        #expect(answer.errorType == "InvalidParameterException")
    }

    // MARK: Taking back

    @Test func aCancelledUpdateGoesBack() async throws {
        let region = try await active()
        _ = try await update(region, #"{"version": "1.20"}"#)
        let caller = try #require(try await region.identity.find(accessKeyID: region.admin.accessKeyID)).principal
        _ = try await region.clusters.cancelUpdate(nil, of: "demo", as: caller)
        let demo = try await cluster(region)
        #expect(demo.spec.controlPlane.release.rawValue == "1.20.2-eks.1")
        #expect(demo.spec.update?.reversal?.isCancelled == true)
        // It is in progress until the cluster is what it was.
        #expect(try await update(region, #"{"version": "1.20"}"#).errorType == "ResourceInUseException")
    }

    @Test func theModelsOwnOperationCancels() async throws {
        let region = try await active()
        let id = try #require(try await update(region, #"{"version": "1.20"}"#)["update", "id"])
        let path = "/clusters/demo/updates/\(id)/cancel-update"
        let first = try await region.call(.post, path, #"{"clientRequestToken": "t"}"#)
        #expect(first.status == 200 && first["update", "status"] == "InProgress", "\(first.text)")
        #expect(first.text.contains(#""cancellation""#) && first.text.contains("cancelled by"), "\(first.text)")
        #expect(try await cluster(region).spec.update?.reversal?.isCancelled == true)
        #expect(try await region.call(.post, path, "{}").text == first.text)
        let unknown = "/clusters/demo/updates/4f7f6c5e-0000-4000-8000-000000000000/cancel-update"
        #expect(try await region.call(.post, unknown, "{}").errorType == "ResourceNotFoundException")
        let viewer = try await region.principal("vera", .viewer)
        #expect(try await region.call(.post, path, "{}", as: viewer).status == 403)
    }

    @Test func whatIsNotUnderWayCannotBeCancelled() async throws {
        let region = try await active()
        let done = try #require(try await configure(region, #"{"deletionProtection": true}"#)["update", "id"])
        let answer = try await region.call(.post, "/clusters/demo/updates/\(done)/cancel-update", "{}")
        #expect(answer.errorType == "InvalidRequestException" && answer.text.contains("has ended"), "\(answer.text)")
    }

    @Test func specsOfBeforeAreRead() throws {
        let spec = ControlPlaneSpec(
            release: ReleaseID(rawValue: "r"), version: KubernetesVersion(major: 1, minor: 20, patch: 2), configurationRevision: 4,
            zones: [],
            network: try ClusterNetwork(pool: try IPv4Block("100.66.0.0/16"), slot: 0))
        var object = try #require(try JSONSerialization.jsonObject(with: Data(try StoreCoding.encode(spec))) as? [String: Any])
        object["etcdRelease"] = nil
        object["apiServerRevision"] = nil
        let bytes = [UInt8](try JSONSerialization.data(withJSONObject: object))
        #expect(try StoreCoding.decode(ControlPlaneSpec.self, from: bytes) == spec)
    }
}
