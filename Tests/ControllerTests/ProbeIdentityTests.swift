import Fleet
import FleetModel
import FleetStore
import Foundation
import NIOSSL
import PKI
import Testing
import Timing

@Suite struct ProbeIdentityTests {
    private func cluster(_ uid: String, in store: MemoryStore) async throws -> Cluster {
        let spec = ControlPlaneSpec(
            release: ReleaseID(rawValue: "1.33.4-eks.1"), version: try KubernetesVersion("1.33.4"), zones: [],
            network: ClusterNetwork(block: try IPv4Block("100.66.0.0/27")))
        let cluster = Cluster(
            name: try ClusterName("demo"), cell: CellName(rawValue: "a"),
            metadata: Metadata(uid: uid, createdAt: Date(timeIntervalSince1970: 0)),
            spec: ClusterSpec(controlPlane: spec, settings: ClusterSettings(roleARN: "", subnetIDs: [], creatorARN: "")))
        if let old = try await store.get(Cluster.self, cluster.storeKey) { try await store.remove(old) }
        try await store.create(cluster)
        return cluster
    }

    @Test func oneIsSharedAndRenewedInTime() async throws {
        let wall = VirtualTime()
        let store = MemoryStore(time: wall.source)
        let credentials = CredentialStore(store: store, box: SecretBox(current: .random()), time: wall.source)
        let identities = ProbeIdentities(credentials: credentials, time: wall.source)
        let cluster = try await cluster("1", in: store)

        let first = try await identities.identity(of: cluster)
        #expect(first.etcd.privateKey != nil && !first.etcd.certificateChain.isEmpty)
        #expect(first.apiServer.privateKey == nil && first.apiServer.certificateChain.isEmpty)
        // Connections are shared only while the configuration is the very same.
        #expect(try await identities.identity(of: cluster).etcd.bestEffortEquals(first.etcd))
        #expect(!first.etcd.bestEffortEquals(first.apiServer))

        wall.advance(to: .seconds(17 * 3600))
        let renewed = try await identities.identity(of: cluster)
        #expect(!renewed.etcd.bestEffortEquals(first.etcd), "a certificate of a day is renewed after two thirds of it")

        let again = try await self.cluster("2", in: store)
        #expect(
            !(try await identities.identity(of: again).apiServer.bestEffortEquals(renewed.apiServer)), "another cluster, another authority")
    }
}
