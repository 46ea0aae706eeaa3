import EtcdClient
import Foundation
import Timing

/// A real etcd on loopback for the time of a test: its own directory, free ports, and gone at the end.
public final class EtcdFixture: Sendable {
    public struct Failure: Error, CustomStringConvertible {
        public var description: String
        public init(description: String) { self.description = description }
    }

    /// What the certificate of a server with TLS is made out to.
    public enum ServerIdentity: Sendable {
        /// 127.0.0.1
        case address
        case name(String)
    }

    private let members: [EtcdProcess]
    private let certificates: EtcdCertificates?
    private let directory: URL
    private let endpoints: [EtcdEndpoint]

    private init(binary: URL, directory: URL, size: Int, tls: ServerIdentity?, options: [String]) throws {
        let certificates = try tls.map { try EtcdCertificates(in: directory, for: $0) }
        let ports = try FreePort.find(2 * size)
        let peers = ports[size...].map { "http://127.0.0.1:\($0)" }
        let clients = ports[..<size].map { "\(certificates == nil ? "http" : "https")://127.0.0.1:\($0)" }
        let cluster = peers.enumerated().map { "test-\($0.offset)=\($0.element)" }.joined(separator: ",")
        self.certificates = certificates
        self.directory = directory
        self.endpoints = ports[..<size].map { EtcdEndpoint(host: "127.0.0.1", port: $0) }
        self.members = (0..<size).map { index in
            let arguments = [
                "--name", "test-\(index)", "--data-dir", Self.data(of: index, in: directory), "--listen-client-urls",
                clients[index], "--advertise-client-urls", clients[index], "--listen-peer-urls", peers[index],
                "--initial-advertise-peer-urls", peers[index], "--initial-cluster", cluster, "--logger", "zap",
            ]
            return EtcdProcess(
                binary: binary, log: directory.appending(path: "log-\(index)"),
                arguments: arguments + (certificates?.options ?? []) + options)
        }
    }

    /// - Parameters:
    ///   - version: such as `3.5.16`; one of `versions`.
    ///   - members: 1, or 3 for a quorum that survives one of them.
    ///   - tls: serve with a certificate and ask clients for theirs.
    ///   - options: more options of etcd's command line.
    @discardableResult
    public static func with<Result>(
        version: String = newest, members: Int = 1, tls: ServerIdentity? = nil, options: [String] = [],
        _ body: (EtcdFixture) async throws -> Result
    ) async throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appending(path: "slipway-etcd-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let fixture = try EtcdFixture(
            binary: cache.appending(path: "\(version)/etcd"), directory: directory, size: members, tls: tls, options: options)
        defer { fixture.kill() }
        try await fixture.start()
        return try await body(fixture)
    }

    // MARK: Binaries

    private static var cache: URL {
        let environment = ProcessInfo.processInfo.environment
        if let own = environment["SLIPWAY_CACHE"] { return URL(filePath: own).appending(path: "etcd") }
        let base =
            environment["XDG_CACHE_HOME"].map { URL(filePath: $0) }
            ?? FileManager.default.homeDirectoryForCurrentUser.appending(path: ".cache")
        return base.appending(path: "slipway/etcd")
    }

    /// The versions that `scripts/fetch-etcd` left in the cache, oldest first. At least one, or the tests fail for want of it.
    public static var versions: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: cache.path)) ?? []
        let found = names.filter { name in
            name.split(separator: ".").count == 3 && name.allSatisfy { $0.isNumber || $0 == "." }
        }
        guard !found.isEmpty else { return ["missing; run scripts/fetch-etcd bookworm trixie"] }
        return found.sorted { $0.compare($1, options: .numeric) == .orderedAscending }
    }

    public static var newest: String { versions.last ?? "" }

    /// Path of `etcd` or `etcdctl` of the newest version.
    public static func program(_ name: String) -> String { cache.appending(path: "\(newest)/\(name)").path }

    // MARK: Processes

    /// Starts all members, also again after `kill()`, and waits until each serves.
    public func start() async throws {
        for member in members { try member.start() }
        for index in members.indices { try await waitUntilHealthy(index) }
    }

    /// Starts one member again and waits until it serves.
    public func start(_ member: Int) async throws {
        try members[member].start()
        try await waitUntilHealthy(member)
    }

    private func waitUntilHealthy(_ index: Int) async throws {
        let member = members[index]
        try await EtcdClient.with(configuration(of: index)) { client in
            let deadline = TimeSource.system.uptime + .seconds(60)
            while TimeSource.system.uptime < deadline {
                if let status = try? await client.status(), status.leader != nil { return }
                guard member.isRunning else { break }
                try await TimeSource.system.sleep(for: .milliseconds(50))
            }
            throw Failure(description: "etcd \(member.binary.path) did not start; its log ends with: \(member.lastWords)")
        }
    }

    /// As a crash of all members.
    public func kill() {
        for member in members { member.kill() }
    }

    /// As a crash of one member.
    public func kill(_ member: Int) { members[member].kill() }

    // MARK: Data

    private static func data(of member: Int, in directory: URL) -> String { directory.appending(path: "data-\(member)").path }

    /// Changes a value behind a running member's back, as a disk does that went bad: in its database file, which it maps.
    /// - Parameters:
    ///   - value: occurs nowhere else, and was written a while ago, so that it is in the file.
    ///   - other: of the same length.
    /// - Returns: how often it was found.
    public func corrupt(_ member: Int, value: [UInt8], into other: [UInt8]) throws -> Int {
        let file = try FileHandle(forUpdating: URL(filePath: "\(Self.data(of: member, in: directory))/member/snap/db"))
        defer { try? file.close() }
        let content = try file.readToEnd() ?? Data()
        var found = 0
        var rest = content.startIndex..<content.endIndex
        while let range = content.range(of: Data(value), in: rest) {
            try file.seek(toOffset: UInt64(range.lowerBound))
            try file.write(contentsOf: Data(other))
            found += 1
            rest = range.upperBound..<content.endIndex
        }
        return found
    }

    // MARK: Clients

    /// Longer than the usual 5 s: many tests share two cores.
    private static let timeout = Duration.seconds(15)

    /// How a client that may connect does so.
    public var configuration: EtcdConfiguration {
        EtcdConfiguration(endpoints: endpoints, tls: certificates?.client, timeout: Self.timeout)
    }

    /// The same for one member alone.
    public func configuration(of member: Int) -> EtcdConfiguration {
        EtcdConfiguration(endpoints: [endpoints[member]], tls: certificates?.client, timeout: Self.timeout)
    }
}

/// Ports of loopback that nobody listens on.
enum FreePort {
    /// Different ones: all are held until the last is found.
    static func find(_ count: Int) throws -> [Int] {
        var handles: [Int32] = []
        defer { for handle in handles { close(handle) } }
        return try (0..<count).map { _ in
            let handle = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard handle >= 0 else { throw EtcdFixture.Failure(description: "no socket: errno \(errno)") }
            handles.append(handle)
            return try bindAnywhere(handle)
        }
    }

    private static func bindAnywhere(_ handle: Int32) throws -> Int {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let outcome = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(handle, generic, length) == 0 ? getsockname(handle, generic, &length) : -1
            }
        }
        guard outcome == 0 else { throw EtcdFixture.Failure(description: "no free port: errno \(errno)") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
