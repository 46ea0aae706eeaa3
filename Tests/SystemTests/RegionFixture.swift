import Foundation
import LocalSubstrate
import Testing

/// A region of its own on this machine, with the built `slipway`: own directory, ports, addresses. Removed whole afterwards, also
/// after a failure.
struct RegionFixture: Sendable {
    /// Holds the data directory, the releases, and what tests write.
    let scratch: String
    let port: Int
    let storePort: Int
    let pool: String

    var data: String { "\(scratch)/data" }
    var releases: String { "\(scratch)/releases" }
    var endpoint: String { "http://127.0.0.1:\(port)" }

    /// Built beside the tests.
    static let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: "slipway")
        .path

    /// - Parameter number: keeps regions that live at the same time apart.
    static func with(_ number: Int, _ body: (RegionFixture) async throws -> Void) async throws {
        let id = Int(getpid()) % 100
        let scratch = "/var/tmp/slipway-system-\(getpid())-\(number)"
        // 100.68.0.0/16 and up, apart from the default pool and from other test processes.
        let region = RegionFixture(
            scratch: scratch, port: 17_000 + id * 40 + number * 4, storePort: 17_000 + id * 40 + number * 4 + 2,
            pool: "100.\(68 + id % 50).\(number * 16).0/20")
        try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
        var failure: (any Error)?
        do { try await body(region) } catch { failure = error }
        if failure != nil { await region.keepLogs() }
        if FileManager.default.fileExists(atPath: region.data) {
            let down = try await region.slipway("dev", "down", "--purge")
            #expect(down.succeeded, "\(down.report)")
        }
        try FileManager.default.removeItem(atPath: scratch)
        if let failure { throw failure }
    }

    /// Prints the end of the service's log: the directory will be gone.
    func keepLogs() async {
        for log in ["server", "store"] {
            if let tail = try? await CommandRun.run("tail", ["-n", "60", "\(data)/log/\(log)/current"]) {
                print("--- \(log)\n\(tail.output)")
            }
        }
    }

    /// Runs the program on this region.
    func slipway(_ arguments: String...) async throws -> CommandRun {
        try await CommandRun.run(Self.program, arguments, environment: ["SLIPWAY_DATA_DIR": data])
    }

    func importRelease() async throws {
        let cache = ProcessInfo.processInfo.environment["SLIPWAY_CACHE"] ?? "\(NSHomeDirectory())/.cache/slipway"
        func newest(_ folder: String, with program: String) throws -> String {
            let versions = try FileManager.default.contentsOfDirectory(atPath: "\(cache)/\(folder)").sorted()
            let complete = versions.last { version in
                ["SHA256SUMS", program].allSatisfy { FileManager.default.fileExists(atPath: "\(cache)/\(folder)/\(version)/\($0)") }
            }
            return "\(cache)/\(folder)/\(try #require(complete, "no \(program) in \(cache)/\(folder): run scripts/artifacts"))"
        }
        try await slipway(
            "release", "import", "--releases-dir", releases, "--kubernetes-dir", try newest("kubernetes", with: "kube-scheduler"),
            "--etcd-dir", try newest("etcd", with: "etcdutl")
        ).required()
    }

    /// - Parameter options: more of them.
    func up(isDetached: Bool = true, _ options: String...) async throws -> CommandRun {
        try await CommandRun.run(
            Self.program,
            [
                "dev", "up", "--data-dir", data, "--port", "\(port)", "--store-port", "\(storePort)", "--address-pool", pool,
                "--releases-dir", releases,
            ] + (isDetached ? ["--detach"] : []) + options)
    }

    /// What `dev env` prints, as an environment.
    func environment() async throws -> [String: String] {
        var environment = try await slipway("dev", "env", "--output", "json").required().json([String: String].self)
        environment["KUBECONFIG"] = "\(scratch)/none"
        return environment
    }

    var serverProcess: Int32? {
        get async throws {
            let run = try await CommandRun.run("s6-svstat", ["-o", "pid", "\(data)/supervision/slipway-server"])
            return Int32(run.output.trimmingCharacters(in: .whitespacesAndNewlines)).flatMap { $0 > 0 ? $0 : nil }
        }
    }

    /// The network namespaces of a cluster; other regions on this host may have a cluster of the same name.
    func namespaces(of cluster: String) -> [String] {
        let prefix = "\(LocalSubstrateConfiguration(dataDirectory: data).hostPrefix).\(cluster)."
        return ((try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []).filter { $0.hasPrefix(prefix) }.sorted()
    }

    func service(_ name: String, _ order: String) async throws {
        try await CommandRun.run("s6-svc", [order, "\(data)/supervision/\(name)"]).required()
    }

    var isReady: Bool {
        get async throws { try await CommandRun.run("curl", ["-sf", "-m", "2", "-o", "/dev/null", "\(endpoint)/readyz"]).succeeded }
    }

    /// Nothing of any cluster is on the host.
    func expectNothingLeft(_ location: SourceLocation = #_sourceLocation) async throws {
        let doctor = try await slipway("dev", "doctor", "--output", "json")
        #expect(!doctor.output.contains("\"leftover\""), "\(doctor.report)", sourceLocation: location)
        let clusters = (try? FileManager.default.contentsOfDirectory(atPath: "\(data)/clusters")) ?? []
        #expect(clusters.isEmpty, sourceLocation: location)
        #expect(try components().isEmpty, sourceLocation: location)
    }
}
