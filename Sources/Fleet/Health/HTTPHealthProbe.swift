import AsyncHTTPClient
import FleetModel
import Foundation
import Kubernetes
import NIOCore
import NIOHTTP1
import NIOSSL
import Substrate
import Synchronization
import Timing

/// Asks etcd's and the API servers' own health endpoints over HTTPS.
///
/// etcd: `/health` on the metrics port, which takes a client certificate, is a linearizable read, so it says that there is a quorum; `etcd_server_is_leader`
/// of `/metrics` says who leads. API server: `/readyz`, verified with the cluster's CA.
public final class HTTPHealthProbe: HealthProbe {
    private let client: HTTPClient
    private let identities: ProbeIdentities
    private let time: TimeSource
    private let leaders = Mutex<[IPv4Address: (isLeader: Bool, at: Duration)]>([:])

    /// An answer that takes longer does not count.
    private static let timeout = TimeAmount.seconds(2)
    /// Of one that is out of service: a sound one answers in a few milliseconds.
    private static let briefly = TimeAmount.milliseconds(300)
    /// Of the others while somebody is to be cut off.
    private static let hurried = TimeAmount.milliseconds(400)
    /// An answer of etcd that takes longer is late, if another member's takes less than a third of it.
    private static let late = Duration.seconds(1)
    private static let factor = 3
    /// Who leads is asked this often at most: the metrics page is large.
    private static let leaderAge = Duration.seconds(1)

    public init(client: HTTPClient, identities: ProbeIdentities, time: TimeSource) {
        self.client = client
        self.identities = identities
        self.time = time
    }

    public func probe(_ target: ProbeTarget) async -> HealthObservation {
        guard let identity = try? await identities.identity(of: target.cluster) else { return HealthObservation() }
        return await withTaskGroup(of: Answer.self) { group in
            func limit(_ name: String) -> TimeAmount {
                target.suspects.contains(name) ? Self.briefly : target.isUrgent ? Self.hurried : Self.timeout
            }
            // While nobody leads, or who led is out of service, a new leader is news.
            let leaderIsKnown = target.etcdMembers.contains { known($0.address) == true && !target.suspects.contains($0.name) }
            for member in target.etcdMembers {
                let limit = limit(member.name)
                group.addTask {
                    let (health, took) = await self.etcd(member.address, identity.etcd, limit, leaderIsKnown: leaderIsKnown)
                    return .etcd(member.name, health, took)
                }
            }
            for server in target.apiServers {
                let limit = limit(server.name)
                group.addTask { .apiServer(server.name, await self.apiServer(server, identity.apiServer, limit)) }
            }
            var health = HealthObservation()
            var took: [String: Duration] = [:]
            for await answer in group {
                switch answer {
                case .etcd(let name, let member, let duration):
                    health.etcdMembers[name] = member
                    took[name] = duration
                case .apiServer(let name, let server): health.apiServers[name] = server
                }
            }
            health.slowMembers = Self.slowMembers(took, health.etcdMembers)
            return health
        }
    }

    /// - Parameter took: until they answered, or were not waited for any more.
    static func slowMembers(_ took: [String: Duration], _ health: [String: EtcdMemberHealth]) -> Set<String> {
        let quickest = took.filter { health[$0.key]?.isHealthy == true }.values.min()
        guard let quickest else { return [] }
        return Set(took.filter { $0.value > late && $0.value > quickest * factor }.keys)
    }

    private enum Answer {
        case etcd(String, EtcdMemberHealth?, Duration)
        case apiServer(String, APIServerHealth?)
    }

    private func etcd(
        _ address: IPv4Address, _ tls: TLSConfiguration, _ limit: TimeAmount, leaderIsKnown: Bool
    ) async -> (health: EtcdMemberHealth?, took: Duration) {
        let start = time.uptime
        let health = KubernetesEndpoints.etcdMetrics(at: address, path: KubernetesEndpoints.etcdHealthPath)
        let answer = await get(health, tls, limit)
        let took = time.uptime - start
        guard let (status, body) = answer else { return (nil, took) }
        let isHealthy = status == 200 && body.contains("\"health\":\"true\"")
        let leads = isHealthy ? await leads(address, tls, limit, mayBeOld: leaderIsKnown) : false
        return (EtcdMemberHealth(isHealthy: isHealthy, isLeader: leads), took)
    }

    private func leads(_ address: IPv4Address, _ tls: TLSConfiguration, _ limit: TimeAmount, mayBeOld: Bool) async -> Bool {
        if mayBeOld, let known = known(address) { return known }
        let metrics = KubernetesEndpoints.etcdMetrics(at: address, path: KubernetesEndpoints.metricsPath)
        guard let (_, body) = await get(metrics, tls, limit) else { return false }
        let isLeader = body.contains("\netcd_server_is_leader 1")
        leaders.withLock { $0[address] = (isLeader, time.uptime) }
        return isLeader
    }

    /// What was learnt a moment ago.
    private func known(_ address: IPv4Address) -> Bool? {
        leaders.withLock { $0[address] }.flatMap { time.uptime - $0.at < Self.leaderAge ? $0.isLeader : nil }
    }

    private func apiServer(_ server: ProbeTarget.Instance, _ tls: TLSConfiguration, _ limit: TimeAmount) async -> APIServerHealth? {
        let port = server.port ?? KubernetesEndpoints.apiServerPort
        let url = KubernetesEndpoints.apiServer(at: server.address, port: port, path: KubernetesEndpoints.readyPath)
        guard let (status, body) = await get(url, tls, limit) else { return nil }
        return APIServerHealth(readyStatus: status, body: body)
    }

    private func get(_ url: String, _ tls: TLSConfiguration, _ limit: TimeAmount) async -> (status: UInt, body: String)? {
        var request = HTTPClientRequest(url: url)
        request.tlsConfiguration = tls
        guard let response = try? await client.execute(request, timeout: limit),
            let body = try? await response.body.collect(upTo: 4 << 20)
        else { return nil }
        return (response.status.code, String(buffer: body))
    }
}

extension APIServerHealth {
    /// From the answer of `/readyz`. One that fails lists its checks, a line each: `[+]etcd ok`, `[-]kms-provider-0 failed: …`.
    init(readyStatus status: UInt, body: String) {
        let failed = body.split(separator: "\n").filter { $0.hasPrefix("[-]") }
        let isForPlugin = !failed.isEmpty && failed.allSatisfy { $0.hasPrefix("[-]kms-provider") }
        let isReady = status == 200 || isForPlugin
        let names = failed.prefix(8).map { String($0.dropFirst(3).prefix { $0 != " " }) }
        let problem = names.isEmpty ? "status \(status)" : names.joined(separator: ", ")
        self.init(isReady: isReady, isSealing: status == 200 || !isForPlugin, problem: isReady ? nil : problem)
    }
}
