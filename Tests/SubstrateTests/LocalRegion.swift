import FleetModel
import Foundation
import Glibc
import LocalSubstrate
import SlipwayTesting
import Subprocess
import Substrate
import Synchronization
import SystemPackage
import Testing
import Timing

/// A region of its own on this host, gone afterwards whatever happens.
struct LocalRegion: Sendable {
    let substrate: LocalSubstrate
    let directory: String
    let artifacts: TestArtifacts
    let sleeper: Artifact
    let names: [ClusterName]
    let networks: [ClusterNetwork]

    var prefix: String { substrate.configuration.hostPrefix }

    private static let slots = Mutex(Int(getpid()) * 37 % 256)

    static func with(names: [String] = ["first", "second"], _ body: (LocalRegion) async throws -> Void) async throws {
        let slot = slots.withLock { slot in
            slot = (slot + 1) % 256
            return slot
        }
        let directory = "/tmp/slipway-test-\(getpid())-\(slot)"
        try FileManager.default.createDirectory(atPath: directory + "/programs", withIntermediateDirectories: true)
        let pool = try IPv4Block("100.67.\(slot).0/24")
        let configuration = LocalSubstrateConfiguration(
            dataDirectory: directory + "/data", runDirectory: directory + "/run", regionName: "test-1", addressPool: pool,
            stopTimeout: .seconds(5))
        let artifacts = TestArtifacts()
        let program = directory + "/programs/sleeper"
        try FileManager.default.copyItem(atPath: "/usr/bin/sleep", toPath: program)
        let region = LocalRegion(
            substrate: LocalSubstrate(configuration: configuration, artifacts: artifacts), directory: directory, artifacts: artifacts,
            sleeper: try artifacts.add(program, name: "sleeper"), names: try names.map { try ClusterName($0) },
            networks: try names.indices.map { try ClusterNetwork(pool: pool, slot: $0) })
        var failure: (any Error)?
        do {
            try await region.substrate.prepare()
            try await body(region)
        } catch { failure = error }
        do {
            try await region.substrate.removeEverything()
            let left = await HostCheck(configuration: configuration).findings(knownClusters: []).filter { $0.severity == .leftover }
            #expect(left.isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: configuration.dataDirectory).isEmpty)
            try FileManager.default.removeItem(atPath: directory)
        } catch { failure = failure ?? error }
        if let failure { throw failure }
    }

    var surroundings: SubstrateConformance.Surroundings {
        SubstrateConformance.Surroundings(
            substrate: substrate, clusters: zip(names, networks).map { (name: $0.0, network: $0.1) },
            component: { [sleeper] kind in ComponentSpec(kind: kind, artifact: sleeper, arguments: ["100000"]) },
            pause: { try await TimeSource.system.sleep(for: .milliseconds(10)) })
    }

    /// An instance with one component that sleeps.
    func sleeping(_ name: String, cluster index: Int = 0, address: Int = 0) -> InstanceSpec {
        InstanceSpec(
            id: InstanceID(cluster: names[index], name: name), role: .apiServer, zone: ZoneName(rawValue: "a"),
            size: InstanceSize(name: "small", memoryMiB: 256, milliCPU: 100), network: networks[index],
            address: networks[index].apiServers[address], volume: nil, release: ReleaseID(rawValue: "1"), configurationRevision: 1,
            components: [ComponentSpec(kind: .apiServer, artifact: sleeper, arguments: ["100000"])], files: [])
    }

    func balancer(cluster index: Int = 0) -> LoadBalancerSpec {
        LoadBalancerSpec(
            cluster: names[index], network: networks[index], address: networks[index].loadBalancer, backends: [],
            certificateAuthority: SubstrateFixtures.certificateAuthority)
    }

    func make(_ spec: InstanceSpec) async throws {
        try await substrate.ensureNetwork(NetworkSpec(cluster: spec.id.cluster, network: spec.network))
        try await substrate.ensureInstance(spec)
    }

    func observe(_ id: InstanceID) async throws -> InstanceObservation? {
        try await substrate.observe(id.cluster).instances.first { $0.id == id }
    }

    /// The instance's process once it is up, and another than `old`.
    func process(of id: InstanceID, after old: Int32? = nil) async throws -> Int32 {
        try await eventually("\(id) has a process") {
            guard let component = try await observe(id)?.components.first, component.isUp, component.processID != old else { return nil }
            return component.processID
        }
    }

    func log(of id: InstanceID) -> String {
        let path = substrate.paths(of: id, volume: nil).logs + "/kube-apiserver/current"
        return (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }

    func eventually<Value>(_ what: String, _ look: () async throws -> Value?) async throws -> Value {
        for _ in 0..<3000 {
            if let value = try await look() { return value }
            try await TimeSource.system.sleep(for: .milliseconds(10))
        }
        throw SubstrateError(.timedOut, "It never happened that \(what).")
    }
}

/// Runs lines of shell; returns whether they succeeded and what they wrote, without its last line's end.
@discardableResult
func shell(_ lines: String) async throws -> (isSuccess: Bool, output: String) {
    let result = try await run(
        .path("/bin/bash"), arguments: ["-c", lines], output: .string(limit: 1 << 20),
        error: .fileDescriptor(.standardError, closeAfterSpawningProcess: false))
    return (result.terminationStatus.isSuccess, result.standardOutput.trimmingCharacters(in: .whitespacesAndNewlines))
}

/// Whether a process is there and no zombie.
func isRunning(_ process: Int32) -> Bool {
    guard let status = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8) else { return false }
    return !status.contains(") Z ")
}
