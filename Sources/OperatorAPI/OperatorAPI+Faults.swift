import ClusterService
import FleetModel
import HTTPTypes
import Hummingbird
import Identity
import SlipwayClient
import Substrate

extension OperatorAPI {
    func performOnFaults(_ operation: Operation, body: [UInt8], by principal: Principal) async throws -> Response {
        switch operation {
        case .injectFault:
            let request = try Self.decode(FaultRequest.self, body)
            let fault = try await faults.inject(
                kind: request.kind, zone: request.zone, cluster: request.cluster, instance: request.instance, as: principal)
            return Self.json(detail(fault), status: .created)
        case .clearFaults:
            return Self.json(FaultList(faults: try await faults.clear(nil, as: principal).map(detail)))
        case .clearFault(let id):
            return Self.json(FaultList(faults: try await faults.clear(id, as: principal).map(detail)))
        default:
            return Self.json(FaultList(faults: try await faults.list(as: principal).map(detail)))
        }
    }

    /// What the audit log says that is to be broken: `power local-1a/demo`.
    static func faultResource(_ body: [UInt8]) -> String? {
        guard let request = try? decode(FaultRequest.self, body) else { return nil }
        let scope = [request.zone, request.cluster, request.instance].compactMap { $0 }.joined(separator: "/")
        return String("\(request.kind) \(scope)".prefix(300))
    }

    private func detail(_ fault: Fault) -> FaultDetail {
        FaultDetail(
            id: fault.id, kind: fault.kind.description, zone: fault.zone.rawValue, cluster: fault.cluster?.rawValue,
            instance: fault.instance, since: fault.since)
    }
}
