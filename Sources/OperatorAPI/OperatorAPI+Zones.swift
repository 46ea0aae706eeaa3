import ClusterService
import FleetModel
import HTTPTypes
import Hummingbird
import Identity
import SlipwayClient

extension OperatorAPI {
    func performOnZones(_ operation: Operation, body: [UInt8], by principal: Principal) async throws -> Response {
        let zones = clusters.zones
        switch operation {
        case .describeZone(let name):
            return try await detail(try await zones.describe(name, as: principal), principal)
        case .evacuateZone(let name):
            let request = try Self.decode(ZoneRequest.self, body)
            return try await detail(
                try await zones.evacuate(name, reason: request.reason, overrules: request.force == true, as: principal), principal,
                status: .accepted)
        case .restoreZone(let name):
            let request = try Self.decode(ZoneRequest.self, body)
            return try await detail(
                try await zones.restore(name, reason: request.reason, overrules: request.force == true, as: principal), principal,
                status: .accepted)
        case .describeZonePolicy:
            return Self.json(ZonePolicyDetail(try await zones.policy(as: principal)))
        case .setZonePolicy:
            let request = try Self.decode(ZonePolicyRequest.self, body)
            let policy = try await zones.setPolicy(
                try request.evacuation.map(Self.evacuationPolicy), restoreAfter: request.restoreAfterSeconds, as: principal)
            return Self.json(ZonePolicyDetail(policy))
        default:
            let list = try await zones.list(as: principal)
            return Self.json(
                ZoneList(policy: ZonePolicyDetail(try await zones.policy(as: principal)), zones: list.map { ZoneDetail($0) }))
        }
    }

    private static func evacuationPolicy(_ text: String) throws -> EvacuationPolicy {
        guard let policy = EvacuationPolicy(rawValue: text) else {
            let known = EvacuationPolicy.allCases.map(\.rawValue).joined(separator: ", ")
            throw OperatorError(400, "InvalidParameterException", "There is no policy '\(text.prefix(40))'; there are \(known).")
        }
        return policy
    }

    private func detail(_ zone: Zone, _ principal: Principal, status: HTTPResponse.Status = .ok) async throws -> Response {
        let progress = try await clusters.zones.progress(of: zone, as: principal)
        let pending = progress.filter { !$0.isDone }.prefix(ZoneClusters.pendingLimit)
        let summary = ZoneClusters(
            count: progress.count, doneCount: progress.count(where: \.isDone),
            pending: pending.map { .init(name: $0.cluster.rawValue, waits: $0.waits) })
        return Self.json(ZoneDetail(zone, clusters: summary), status: status)
    }
}
