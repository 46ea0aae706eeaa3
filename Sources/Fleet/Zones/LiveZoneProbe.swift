import AsyncHTTPClient
import FleetModel
import Foundation
import Kubernetes
import NIOCore
import NIOPosix
import NIOSSL
import Planning
import Substrate
import Synchronization
import Timing

/// Asks real instances over connections that are kept: a question on an open connection shows by TCP's own acknowledgement
/// whether it arrived, which tells a network that swallows packets from a process that is stopped.
///
/// What is asked touches nothing behind the process: of etcd a page that does not exist, of an API server its liveness without
/// etcd. A member that has lost its quorum answers, and an API server whose etcd stalls does too: neither is dead.
public final class LiveZoneProbe: ZoneProbing {
    private typealias Lines = [ProbeSubject: ProbeLine]

    private let loop: any EventLoop
    private let lines: NIOLoopBoundBox<Lines>
    private let identities: ProbeIdentities
    private let client: HTTPClient
    private let time: TimeSource
    private let contexts = Mutex<[String: TLSContexts]>([:])
    private let peerTraffic = Mutex(EtcdPeerTraffic())

    private struct TLSContexts: Sendable {
        var etcd: NIOSSLContext
        var apiServer: NIOSSLContext
        var madeAt: Duration
        var use: CredentialUse
    }

    /// The identities in them live for a day.
    private static let contextAge = Duration.seconds(8 * 3600)

    /// - Parameters:
    ///   - loop: all connections are on it; one that does nothing else sees answers when they come.
    ///   - client: for the larger questions that are asked when something is wrong.
    public init(loop: any EventLoop, identities: ProbeIdentities, client: HTTPClient, time: TimeSource) {
        self.loop = loop
        self.identities = identities
        self.client = client
        self.time = time
        lines = NIOLoopBoundBox.makeBoxSendingValue([:], eventLoop: loop)
    }

    public func look(at endpoints: [ProbeEndpoint]) async -> [ProbeSubject: ProbeSample] {
        var wanted: [(endpoint: ProbeEndpoint, tls: NIOSSLContext)] = []
        for endpoint in endpoints {
            guard let contexts = try? await contexts(of: endpoint.cluster) else { continue }
            wanted.append((endpoint, endpoint.subject.role == .etcd ? contexts.etcd : contexts.apiServer))
        }
        let (all, lines, loop, time) = (wanted, lines, loop, time)
        let samples = try? await loop.submit {
            var old = lines.value
            var new: Lines = [:]
            var samples: [ProbeSubject: ProbeSample] = [:]
            for (endpoint, tls) in all {
                var line = old.removeValue(forKey: endpoint.subject)
                if let known = line, known.address != endpoint.address || known.tls !== tls {
                    known.close()
                    line = nil
                }
                let current = line ?? ProbeLine(endpoint, tls: tls, loop: loop, time: time)
                new[endpoint.subject] = current
                samples[endpoint.subject] = current.look()
            }
            for line in old.values { line.close() }
            lines.value = new
            return samples
        }.get()
        return samples ?? [:]
    }

    private func contexts(of cluster: Cluster) async throws -> TLSContexts {
        let uid = cluster.metadata.uid
        if let known = contexts.withLock({ $0[uid] }), time.uptime - known.madeAt < Self.contextAge,
            known.use == cluster.spec.credentialUse
        {
            return known
        }
        let identity = try await identities.identity(of: cluster)
        let made = TLSContexts(
            etcd: try NIOSSLContext(configuration: identity.etcd), apiServer: try NIOSSLContext(configuration: identity.apiServer),
            madeAt: time.uptime, use: cluster.spec.credentialUse)
        contexts.withLock { contexts in
            contexts = contexts.filter { time.uptime - $0.value.madeAt < Self.contextAge }
            contexts[uid] = made
        }
        return made
    }

    // MARK: What peers say

    public func peers(of lost: ProbeEndpoint, as seenBy: [ProbeEndpoint]) async -> PeerView? {
        guard let identity = try? await identities.identity(of: lost.cluster) else { return nil }
        let pages = await withTaskGroup(of: (ProbeSubject, String?).self) { group in
            for member in seenBy { group.addTask { (member.subject, await self.metrics(of: member.address, identity.etcd)) } }
            return await group.reduce(into: [ProbeSubject: EtcdPeersPage]()) { $0[$1.0] = $1.1.map { EtcdPeersPage($0) } }
        }
        let now = time.uptime
        return peerTraffic.withLock { $0.view(of: lost.subject, pages, asked: seenBy.count, now: now) }
    }

    private func metrics(of address: IPv4Address, _ tls: TLSConfiguration) async -> String? {
        var request = HTTPClientRequest(url: KubernetesEndpoints.etcdMetrics(at: address, path: KubernetesEndpoints.metricsPath))
        request.tlsConfiguration = tls
        guard let response = try? await client.execute(request, timeout: .seconds(1)),
            let body = try? await response.body.collect(upTo: 4 << 20)
        else { return nil }
        return String(buffer: body)
    }
}
