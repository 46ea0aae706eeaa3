import FleetModel
import Foundation
import Identity
import SignatureV4
import SimulatedSubstrate
import SlipwayClient
import Substrate
import Testing
import Timing

struct OperatorFaultTests {
    /// A region with the cluster `demo`, of which the instances `etcd-a` and `api-1` run in the first zone.
    private func serve(
        _ body: @escaping @Sendable (OperatorTestRegion, @Sendable (Credential) -> OperatorClient) async throws -> Void
    ) async throws {
        let region = try await OperatorTestRegion()
        try await region.serve { client in
            _ = try await client(region.eks.admin).createCluster(ClusterRequest(name: "demo"))
            let cluster = try ClusterName("demo")
            let network = try ClusterNetwork(pool: try IPv4Block("100.66.0.0/16"), slot: 0)
            try await region.substrate.ensureNetwork(NetworkSpec(cluster: cluster, network: network))
            let volume = VolumeID(cluster: cluster, name: "etcd-a")
            try await region.substrate.ensureVolume(VolumeSpec(id: volume, zone: region.eks.region.zones[0]))
            for (name, role, address, volume) in [
                ("etcd-a", InstanceRole.etcd, network.etcdMember(0), volume), ("api-1", .apiServer, network.apiServers[0], nil),
            ] {
                try await region.substrate.ensureInstance(
                    InstanceSpec(
                        id: InstanceID(cluster: cluster, name: name), role: role, zone: region.eks.region.zones[0], size: .etcdSmall,
                        network: network, address: address, volume: volume, release: ReleaseID(rawValue: "1"), configurationRevision: 1,
                        components: [], files: []))
            }
            try await body(region, client)
        }
    }

    @Test func aFaultIsInjectedListedAndCleared() async throws {
        try await serve { region, client in
            let admin = client(region.eks.admin)
            #expect(try await admin.faults().isEmpty)
            let first = try await admin.injectFault(FaultRequest(kind: "loss=30%", zone: "local-1a"))
            #expect(first.id == "f1" && first.kind == "loss=30%" && first.cluster == nil && first.scope == "zone local-1a")
            let second = try await admin.injectFault(
                FaultRequest(kind: "disk-full", zone: "local-1a", cluster: "demo", instance: "etcd-a"))
            #expect(second.id == "f2" && second.scope == "demo/etcd-a in local-1a")
            #expect(try await admin.faults().map(\.id) == ["f1", "f2"])
            #expect(region.substrate.standingFaults.map(\.kind) == [.loss(percent: 30), .diskFull])
            #expect(try await admin.clearFaults("f1").map(\.id) == ["f1"])
            #expect(try await admin.clearFaults().map(\.id) == ["f2"])
            #expect(try await admin.clearFaults().isEmpty)
            #expect(region.substrate.standingFaults.isEmpty)
            let audited = region.eks.audit.records.filter { $0.operation == "InjectFault" }
            #expect(audited.map(\.resource) == ["loss=30% local-1a", "disk-full local-1a/demo/etcd-a"])
        }
    }

    @Test func whatCannotBeBrokenIsSaidAndChangesNothing() async throws {
        try await serve { region, client in
            let admin = client(region.eks.admin)
            let refusals: [(FaultRequest, code: String, says: String)] = [
                (FaultRequest(kind: "power", zone: "moon"), "InvalidParameterException", "local-1a, local-1b, local-1c"),
                (FaultRequest(kind: "fire", zone: "local-1a"), "InvalidParameterException", "power, blackhole"),
                (FaultRequest(kind: "loss=0%", zone: "local-1a"), "InvalidParameterException", "above 0 and below 100"),
                (FaultRequest(kind: "loss=100%", zone: "local-1a"), "InvalidParameterException", "blackhole"),
                (FaultRequest(kind: "power", zone: "local-1a", cluster: "none"), "ResourceNotFoundException", "none"),
                (FaultRequest(kind: "power", zone: "local-1a", cluster: "../x"), "ResourceNotFoundException", "../x"),
                (FaultRequest(kind: "power", zone: "local-1a", instance: "api-1"), "InvalidParameterException", "cluster"),
                (
                    FaultRequest(kind: "power", zone: "local-1a", cluster: "demo", instance: "api-9"), "ResourceNotFoundException",
                    "etcd-a, api-1"
                ),
                (
                    FaultRequest(kind: "power", zone: "local-1b", cluster: "demo", instance: "api-1"), "InvalidParameterException",
                    "is in zone local-1a"
                ),
                (
                    FaultRequest(kind: "disk-slow", zone: "local-1a", cluster: "demo", instance: "api-1"), "InvalidParameterException",
                    "no volume"
                ),
            ]
            for (request, code, says) in refusals {
                let error = await #expect(throws: OperatorClientError.self) { try await admin.injectFault(request) }
                #expect(error?.code == code && error?.message.contains(says) == true, "\(request): \(error as Any)")
            }
            let unknown = await #expect(throws: OperatorClientError.self) { try await admin.clearFaults("f7") }
            #expect(unknown?.code == "ResourceNotFoundException" && unknown?.message.contains("none stands") == true)
            #expect(region.substrate.standingFaults.isEmpty)
            _ = try await admin.injectFault(FaultRequest(kind: "power", zone: "local-1a"))
            let again = await #expect(throws: OperatorClientError.self) {
                try await admin.injectFault(FaultRequest(kind: "power", zone: "local-1a"))
            }
            #expect(again?.code == "ResourceInUseException" && again?.message.contains("f1") == true)
        }
    }

    @Test func onlyOperatorsBreakThings() async throws {
        try await serve { region, client in
            let admin = client(region.eks.admin)
            for (role, mayBreak) in [(Role.operator, true), (.owner, false), (.viewer, false)] {
                let user = client(try await region.eks.principal("a-\(role.rawValue)", role))
                #expect(try await user.faults().isEmpty)
                let request = FaultRequest(kind: "freeze", zone: "local-1b")
                if mayBreak {
                    _ = try await user.injectFault(request)
                    #expect(try await user.clearFaults().count == 1)
                } else {
                    let refused = await #expect(throws: OperatorClientError.self) { try await user.injectFault(request) }
                    #expect(refused?.code == "AccessDeniedException")
                    let cleared = await #expect(throws: OperatorClientError.self) { try await user.clearFaults() }
                    #expect(cleared?.code == "AccessDeniedException")
                }
            }
            #expect(try await admin.faults().isEmpty)
        }
    }
}
