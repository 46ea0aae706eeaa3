import AsyncHTTPClient
import EtcdClient
import FleetModel
import Kubernetes
import NIOCore
import NIOHTTP1
import Planning
import Timing

/// What can be asked of a cluster's etcd, and done to it, by its own interfaces.
public struct EtcdMaintenance: Sendable {
    private let http: HTTPClient
    private let time: TimeSource

    /// An answer that takes longer is none.
    private static let patience = TimeAmount.seconds(2)

    public init(http: HTTPClient, time: TimeSource) {
        self.http = http
        self.time = time
    }

    /// What the members' pages say, by name; who does not answer in time is missing. Never throws.
    /// - Returns: the pages, and whether a member says that it is unwell, which it does while an alarm stands.
    public func look(_ access: EtcdConnections) async -> (pages: [String: EtcdMetricsPage], isAlarmed: Bool) {
        await withTaskGroup(of: (String, EtcdMetricsPage?, Bool).self) { group in
            for member in access.members {
                group.addTask {
                    async let health = get(member.pages + KubernetesEndpoints.etcdAlarmPath, access)
                    let page = await get(member.pages + KubernetesEndpoints.metricsPath, access)
                    let isUnwell = await health.map { $0.status != 200 } ?? false
                    return (member.name, page.flatMap { EtcdMetricsPage($0.body.readableBytesView) }, isUnwell)
                }
            }
            var pages: [String: EtcdMetricsPage] = [:]
            var isAlarmed = false
            for await (name, page, isUnwell) in group {
                pages[name] = page
                isAlarmed = isAlarmed || isUnwell
            }
            return (pages, isAlarmed)
        }
    }

    private func get(_ url: String, _ access: EtcdConnections) async -> (status: UInt, body: ByteBuffer)? {
        var request = HTTPClientRequest(url: url)
        request.tlsConfiguration = access.tls
        guard let response = try? await http.execute(request, timeout: Self.patience),
            let body = try? await response.body.collect(upTo: 4 << 20)
        else { return nil }
        return (response.status.code, body)
    }

    /// The alarms that stand, as `member`, any one that follows a leader, knows them.
    public func alarms(_ access: EtcdConnections, asking member: String) async throws -> [EtcdAlarmReport] {
        try await EtcdClient.with(try access.member(member).client) { client in
            let alarms = try await client.alarms()
            guard !alarms.isEmpty else { return [] }
            let names = Dictionary(try await client.memberList().map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
            return alarms.map { alarm in
                let kind: EtcdAlarmReport.Kind =
                    switch alarm.kind {
                    case .noSpace: .noSpace
                    case .corrupt: .corrupt
                    case .other: .other
                    }
                return EtcdAlarmReport(kind: kind, member: names[alarm.member])
            }
        }
    }

    /// Forgets the values before `revision`, and waits until they are gone from the database.
    public func compact(_ access: EtcdConnections, to revision: Int64, asking member: String) async throws {
        var configuration = try access.member(member).client
        configuration.timeout = .seconds(55)
        try await EtcdClient.with(configuration) { client in
            do {
                try await client.compact(to: revision)
            } catch let error as EtcdError where error.code == .compacted {
                // Somebody else was first.
            }
        }
    }

    /// - Parameter bytes: of the member's database: the more, the longer it may take.
    public func defragment(_ access: EtcdConnections, member: String, bytes: Int64) async throws {
        let limit = Duration.seconds(30) + .seconds(60) * Int(bytes >> 30)
        try await EtcdClient.with(try access.member(member).client) { try await $0.defragment(timeout: limit) }
    }

    public func moveLeader(_ access: EtcdConnections, from: String, to: String) async throws {
        try await EtcdClient.with(try access.member(from).client) { client in
            guard let heir = try await client.memberList().first(where: { $0.name == to }) else {
                throw FleetError(.kubernetes, "etcd has no member \(to)")
            }
            let status = try await client.status()
            guard status.leader == status.member else { return }
            try await client.moveLeader(to: heir.id)
        }
    }

    public func disarm(_ access: EtcdConnections, _ kind: EtcdAlarm.Kind, asking member: String) async throws {
        try await EtcdClient.with(try access.member(member).client) { try await $0.disarm(kind) }
    }

    /// Hashes of `members` up to one revision that all of them have.
    public func hashes(_ access: EtcdConnections, of members: [String]) async throws -> (revision: Int64, samples: [EtcdHashSample]) {
        let configurations = try members.map { (name: $0, client: try access.member($0).client) }
        let revision = try await withThrowingTaskGroup(of: Int64.self) { group in
            for (_, client) in configurations { group.addTask { try await EtcdClient.with(client) { try await $0.status().revision } } }
            return try await group.reduce(Int64.max, min)
        }
        let samples = try await withThrowingTaskGroup(of: EtcdHashSample.self) { group in
            for (name, client) in configurations {
                group.addTask {
                    var client = client
                    client.timeout = .seconds(55)
                    let hash = try await EtcdClient.with(client) { client in
                        do {
                            return try await client.hash(upTo: revision)
                        } catch let error as EtcdError where error.code == .compacted {
                            // etcd 3.4 has no hash of the very revision that it was compacted to; nothing was written since.
                            return try await client.hash()
                        }
                    }
                    return EtcdHashSample(member: name, hash: hash.hash, compactRevision: hash.compactRevision)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        return (revision, samples)
    }

    /// Compares until the answer is certain: members that were compacted to different revisions are asked again, and a difference
    /// is believed when it is found twice, at different moments.
    public func compare(_ access: EtcdConnections, members: [String], voters: Int) async throws -> (
        EtcdConsistency.Verdict, revision: Int64
    ) {
        var earlier: EtcdConsistency.Verdict?
        var last: (verdict: EtcdConsistency.Verdict, revision: Int64) = (.undecided("nobody was asked"), 0)
        for _ in 0..<4 {
            let (revision, samples) = try await hashes(access, of: members)
            last = (EtcdConsistency.verdict(samples, voters: voters), revision)
            if last.verdict == .equal || last.verdict == earlier { break }
            earlier = last.verdict
            try await time.sleep(for: .milliseconds(300))
        }
        return (last.verdict, last.revision)
    }
}
