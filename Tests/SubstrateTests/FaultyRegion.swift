import FleetModel
import Foundation
import LocalSubstrate
import SlipwayTesting
import Substrate
import Testing
import Timing

/// A local region with one real etcd of one member, to be broken.
struct FaultyRegion {
    let region: LocalRegion
    let etcd: InstanceSpec

    var substrate: LocalSubstrate { region.substrate }

    static func with(_ body: (FaultyRegion) async throws -> Void) async throws {
        try await LocalRegion.with(names: ["first"]) { region in
            let faulty = FaultyRegion(region: region, etcd: try spec(region))
            try await region.substrate.ensureNetwork(NetworkSpec(cluster: faulty.etcd.id.cluster, network: faulty.etcd.network))
            if let volume = faulty.etcd.volume { try await region.substrate.ensureVolume(VolumeSpec(id: volume, zone: faulty.etcd.zone)) }
            try await region.substrate.ensureInstance(faulty.etcd)
            try await faulty.answers()
            #expect(try await faulty.put("before", "1").isSuccess)
            try await body(faulty)
        }
        // The region looked for what is left of itself; this is what is left of faults.
        #expect(try await shell("nft list tables bridge").output.contains("slipway_\(getpid())") == false)
    }

    private static func spec(_ region: LocalRegion) throws -> InstanceSpec {
        let id = InstanceID(cluster: region.names[0], name: "etcd-a")
        let volume = VolumeID(cluster: id.cluster, name: "etcd-a")
        let address = region.networks[0].etcdMember(0)
        let program = try region.artifacts.add(EtcdFixture.program("etcd"), name: "etcd")
        let client = "http://\(address):2379"
        let arguments = [
            "--name=a", "--data-dir=\(region.substrate.paths(of: id, volume: volume).volume)/etcd", "--listen-client-urls=\(client)",
            "--advertise-client-urls=\(client)", "--listen-peer-urls=http://\(address):2380",
            "--initial-advertise-peer-urls=http://\(address):2380", "--initial-cluster=a=http://\(address):2380", "--logger=zap",
        ]
        return InstanceSpec(
            id: id, role: .etcd, zone: ZoneName(rawValue: "a"), size: .etcdSmall, network: region.networks[0], address: address,
            volume: volume, release: ReleaseID(rawValue: "1"), configurationRevision: 1,
            components: [ComponentSpec(kind: .etcd, artifact: program, arguments: arguments)], files: [])
    }

    func fault(_ kind: FaultKind, id: String = "f1") -> Fault {
        Fault(id: id, zone: etcd.zone, kind: kind, since: Date(timeIntervalSince1970: 1_700_000_000))
    }

    func put(_ key: String, _ value: String, seconds: Int = 20) async throws -> (isSuccess: Bool, output: String) {
        try await shell(
            "\(EtcdFixture.program("etcdctl")) --endpoints \(etcd.address):2379 --dial-timeout 2s --command-timeout \(seconds)s put \(key) \(value) 2>&1"
        )
    }

    func value(_ key: String) async throws -> String {
        try await shell("\(EtcdFixture.program("etcdctl")) --endpoints \(etcd.address):2379 get --print-value-only \(key) 2>&1").output
    }

    /// How a request ends, seen from the host: curl's exit code (0 good, 7 refused or no host, 28 too late) and the seconds until the connection
    /// was open (0 when it was not).
    func ask(seconds: Double = 1) async throws -> (code: String, connected: Double) {
        let said = try await shell(
            "curl -s -o /dev/null -m \(seconds) -w '%{time_connect}' http://\(etcd.address):2379/health; echo \" $?\""
        )
        .output.split(separator: " ")
        return (said.last.map(String.init) ?? "", said.first.flatMap { Double($0) } ?? 0)
    }

    func answers() async throws {
        _ = try await region.eventually("etcd answers") { try await ask().code == "0" ? true : nil }
    }

    func seconds(_ body: () async throws -> Void) async rethrows -> Double {
        let begun = TimeSource.system.uptime
        try await body()
        return (TimeSource.system.uptime - begun).seconds
    }
}
