import ClusterService
import EKSAPI
import FleetModel
import Foundation
import Hummingbird
import Logging
import NIOCore
import Observability
import OperatorAPI
import SlipwayClient

/// One listener for everything: EKS and STS at the root, the operator API under `/operator`, and what monitoring asks for.
public struct RegionResponder: HTTPResponder {
    private let parts: RegionParts
    private let health: RegionHealth
    private let registry: PrometheusRegistry
    private let operators: OperatorAPI
    private let eks: EKSAPI

    init(parts: RegionParts, health: RegionHealth, registry: PrometheusRegistry) throws {
        self.parts = parts
        self.health = health
        self.registry = registry
        let backups = parts.clusterBackups
        let faults = Faults(clusters: parts.clusters, substrate: parts.substrate, time: parts.time)
        var proposeRecovery: (@Sendable (Cluster) async throws -> RecoveryProposal)?
        if parts.simulated == nil { proposeRecovery = { try await parts.recovery(of: $0) } }
        operators = OperatorAPI(
            region: parts.configuration.region, identity: parts.identity, clusters: parts.clusters,
            faults: faults, backups: backups,
            administratorCertificate: { try await parts.administratorCertificate(of: $0, user: $1) },
            proposeRecovery: proposeRecovery, store: parts.store,
            catalog: parts.catalog, keys: parts.simulated == nil ? parts.keys : nil, audit: parts.audit,
            describeRegion: { try await Self.detail(parts, health) }, time: parts.time,
            logger: Logger(label: "slipway.operator"))
        eks = EKSAPI(
            clusters: parts.clusters, identity: parts.identity, audit: parts.audit, time: parts.time, logger: Logger(label: "slipway.eks"))
    }

    public func respond(to request: Request, context: RegionContext) async throws -> Response {
        let path = (request.head.path ?? "/").prefix { $0 != "?" }
        switch (request.method, path) {
        case (.get, "/healthz"): return Self.text("ok\n")
        case (.get, "/readyz"): return await readyz()
        case (.get, "/metrics"): return metrics()
        default: break
        }
        let (address, id) = (context.remoteAddress?.ipAddress, UUID().uuidString.lowercased())
        if OperatorAPI.claims(path: path) { return await operators.respond(to: request, remoteAddress: address, requestID: id) }
        return await eks.respond(to: request, remoteAddress: address, requestID: id)
    }

    private func readyz() async -> Response {
        let checks = await health.checks()
        let isReady = checks.allSatisfy { $0.problem == nil }
        return Self.text(
            checks.map { "\($0.name) \($0.problem ?? "ok")\n" }.joined(), status: isReady ? .ok : .serviceUnavailable)
    }

    private func metrics() -> Response {
        Self.text(registry.text() + ProcessFigures.text(), type: "text/plain; version=0.0.4; charset=utf-8")
    }

    private static func text(
        _ text: String, status: HTTPResponse.Status = .ok, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private static func detail(_ parts: RegionParts, _ health: RegionHealth) async throws -> RegionDetail {
        let leaders = try await health.leaders()
        let configuration = parts.configuration
        return RegionDetail(
            name: configuration.region.name, zones: configuration.region.zones.map(\.rawValue), accountID: configuration.region.accountID,
            version: SlipwayVersion.current, substrate: configuration.substrate.rawValue,
            addressPool: configuration.addressPool.description,
            leaders: Dictionary(
                configuration.cells.map { ($0.rawValue, leaders[$0] ?? nil) }, uniquingKeysWith: { first, _ in first }))
    }
}
