import AsyncHTTPClient
import FleetModel
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Substrate
import Synchronization
import Timing

/// Asks etcd's and the API servers' own health endpoints over HTTP.
///
/// etcd: `/health` on the metrics port is a linearizable read, so it says that there is a quorum; `etcd_server_is_leader`
/// of `/metrics` says who leads. API server: `/readyz`, verified with the cluster's CA.
public final class HTTPHealthProbe: HealthProbe {
    private let client: HTTPClient
    private let time: TimeSource
    /// Where etcd answers without TLS on the cluster's private network: health and metrics only.
    private let etcdMetricsPort: Int
    private let apiServerPort: Int
    private let leaders = Mutex<[IPv4Address: (isLeader: Bool, at: Duration)]>([:])

    /// An answer that takes longer does not count.
    private static let timeout = TimeAmount.seconds(2)
    /// Who leads is asked this often at most: the metrics page is large.
    private static let leaderAge = Duration.seconds(1)

    public init(client: HTTPClient, time: TimeSource, etcdMetricsPort: Int = 2381, apiServerPort: Int = 6443) {
        self.client = client
        self.time = time
        self.etcdMetricsPort = etcdMetricsPort
        self.apiServerPort = apiServerPort
    }

    public func probe(_ target: ProbeTarget) async -> HealthObservation {
        await withTaskGroup(of: Answer.self) { group in
            for member in target.etcdMembers {
                group.addTask { .etcd(member.name, await self.etcd(member.address)) }
            }
            for server in target.apiServers {
                group.addTask { .apiServer(server.name, await self.apiServer(server.address, target.certificateAuthority)) }
            }
            var health = HealthObservation()
            for await answer in group {
                switch answer {
                case .etcd(let name, let member): health.etcdMembers[name] = member
                case .apiServer(let name, let server): health.apiServers[name] = server
                }
            }
            return health
        }
    }

    private enum Answer {
        case etcd(String, EtcdMemberHealth?)
        case apiServer(String, APIServerHealth?)
    }

    private func etcd(_ address: IPv4Address) async -> EtcdMemberHealth? {
        let base = "http://\(address):\(etcdMetricsPort)"
        guard let (status, body) = await get("\(base)/health", tls: nil) else { return nil }
        let isHealthy = status == 200 && body.contains("\"health\":\"true\"")
        return EtcdMemberHealth(isHealthy: isHealthy, isLeader: isHealthy ? await leads(address, base) : false)
    }

    private func leads(_ address: IPv4Address, _ base: String) async -> Bool {
        if let known = leaders.withLock({ $0[address] }), time.uptime - known.at < Self.leaderAge { return known.isLeader }
        guard let (_, body) = await get("\(base)/metrics", tls: nil) else { return false }
        let isLeader = body.contains("\netcd_server_is_leader 1")
        leaders.withLock { $0[address] = (isLeader, time.uptime) }
        return isLeader
    }

    private func apiServer(_ address: IPv4Address, _ authority: String) async -> APIServerHealth? {
        guard let certificates = try? NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)) else { return nil }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(certificates)
        guard let (status, _) = await get("https://\(address):\(apiServerPort)/readyz", tls: tls) else { return nil }
        return APIServerHealth(isReady: status == 200)
    }

    private func get(_ url: String, tls: TLSConfiguration?) async -> (status: UInt, body: String)? {
        var request = HTTPClientRequest(url: url)
        request.tlsConfiguration = tls
        // A connection that is not kept is one less that hides a dead peer, and it costs nothing on a private network.
        guard let response = try? await client.execute(request, timeout: Self.timeout),
            let body = try? await response.body.collect(upTo: 4 << 20)
        else { return nil }
        return (response.status.code, String(buffer: body))
    }
}
