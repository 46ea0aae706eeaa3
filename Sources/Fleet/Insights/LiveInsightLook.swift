import AsyncHTTPClient
import FleetModel
import Foundation
import Kubernetes
import PKI
import Planning
import Timing

/// Asks a cluster's own API servers, each by itself: their metrics say which APIs were asked for, and of which version they are.
public struct LiveInsightLook: InsightLooking {
    private let client: HTTPClient
    private let credentials: CredentialStore
    private let time: TimeSource

    public init(client: HTTPClient, credentials: CredentialStore, time: TimeSource) {
        self.client = client
        self.credentials = credentials
        self.time = time
    }

    public func look(at cluster: Cluster) async throws -> InsightObservation {
        let secrets = try await credentials.credentials(of: cluster)
        let identity = try secrets.clientCertificate(user: "slipway", groups: ["system:masters"], now: time.now, lifetime: 3600)
        let authority = secrets.clusterTrust
        func api(_ base: String) throws -> KubernetesAPI {
            try KubernetesAPI(client: client, base: base, authority: authority, identity: identity)
        }
        let servers = try cluster.status.instances.filter { $0.role == .apiServer }.map {
            ($0.name, try api(KubernetesEndpoints.apiServer(at: $0.address)))
        }
        let endpoint = try api(KubernetesEndpoints.wayIn(cluster.spec.controlPlane))
        async let nodes = Self.nodes(endpoint)
        // Nobody else comes by after an update.
        async let cleaned: Void = CheckLeftovers.remove(from: endpoint, now: time.now)
        let pages = await withTaskGroup(of: (String, APIServerMetricsPage?).self) { group in
            for (name, server) in servers {
                group.addTask { (name, (try? await server.text(KubernetesEndpoints.metricsPath)).map { APIServerMetricsPage($0) }) }
            }
            return await group.reduce(into: [String: APIServerMetricsPage?]()) { $0.updateValue($1.1, forKey: $1.0) }
        }
        await cleaned
        return InsightObservation(
            version: cluster.spec.controlPlane.version, servers: pages, nodes: await nodes, conditions: cluster.status.conditions)
    }

    /// - Returns: nil when they cannot be listed.
    private static func nodes(_ api: KubernetesAPI) async -> [InsightObservation.Node]? {
        struct List: Decodable {
            struct Item: Decodable {
                struct Metadata: Decodable { var name: String }
                struct Status: Decodable {
                    struct Info: Decodable { var kubeletVersion: String? }
                    var nodeInfo: Info?
                }
                var metadata: Metadata
                var status: Status?
            }
            struct Metadata: Decodable { var `continue`: String? }
            var items: [Item]
            var metadata: Metadata
        }
        var found: [InsightObservation.Node] = []
        var next = ""
        repeat {
            guard let text = try? await api.text("/api/v1/nodes?limit=500\(next.isEmpty ? "" : "&continue=\(next)")"),
                let list = try? JSONDecoder().decode(List.self, from: Data(text.utf8))
            else { return nil }
            found += list.items.map { item in
                InsightObservation.Node(
                    name: item.metadata.name, kubelet: item.status?.nodeInfo?.kubeletVersion.flatMap(KubernetesVersion.init(reported:)))
            }
            next = list.metadata.continue?.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        } while !next.isEmpty
        return found
    }
}
