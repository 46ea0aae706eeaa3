import ClusterService
import FleetModel
import Hummingbird
import Identity
import SlipwayClient

/// What concerns the updates of clusters.
enum UpdateOperation: Hashable, Sendable {
    case list(cluster: String)
    case describe(String, cluster: String)
    case begin(cluster: String)
    case cancel(String?, cluster: String)
    case rotate(cluster: String)

    var name: String {
        switch self {
        case .list: "ListUpdates"
        case .describe: "DescribeUpdate"
        case .begin: "UpdateCluster"
        case .cancel: "CancelUpdate"
        case .rotate: "RotateCertificates"
        }
    }

    var resource: String {
        switch self {
        case .list(let cluster), .describe(_, let cluster), .begin(let cluster), .cancel(_, let cluster),
            .rotate(let cluster):
            cluster
        }
    }

    /// Nil when the path is not about updates.
    init?(method: String, parts: [String]) {
        guard parts.count >= 3, parts[0] == "clusters" else { return nil }
        if method == "POST", parts.count == 3, parts[2] == "rotation" {
            self = .rotate(cluster: parts[1])
            return
        }
        guard parts[2] == "updates" else { return nil }
        switch (method, parts.count) {
        case ("GET", 3): self = .list(cluster: parts[1])
        case ("POST", 3): self = .begin(cluster: parts[1])
        case ("GET", 4): self = .describe(parts[3], cluster: parts[1])
        case ("DELETE", 3): self = .cancel(nil, cluster: parts[1])
        case ("DELETE", 4): self = .cancel(parts[3], cluster: parts[1])
        default: return nil
        }
    }
}

extension OperatorAPI {
    func performOnUpdates(_ operation: UpdateOperation, body: [UInt8], by principal: Principal) async throws -> Response {
        switch operation {
        case .list(let name):
            return Self.json(UpdateList(updates: try await clusters.updates(of: name, as: principal).map { UpdateDetail($0) }))
        case .describe(let id, let name):
            let update = try await clusters.update(id, of: name, as: principal)
            return Self.json(
                UpdateDetail(update, of: try await clusters.describe(name, action: "eks:DescribeUpdate", as: principal)))
        case .begin(let name):
            return Self.json(
                UpdateDetail(try await begin(name, try Self.decode(UpdateRequest.self, body), by: principal)), status: .accepted)
        case .cancel(let id, let name):
            return Self.json(UpdateDetail(try await clusters.cancelUpdate(id, of: name, as: principal)), status: .accepted)
        case .rotate(let name):
            let wanted = try Self.rotation(try Self.decode(RotationRequest.self, body))
            return Self.json(UpdateDetail(try await clusters.rotate(name, wanted, as: principal)), status: .accepted)
        }
    }

    private static func rotation(_ request: RotationRequest) throws -> CertificateRotation {
        let parts = try request.parts.map { name in
            guard let part = CertificateRotation.Part(rawValue: name) else {
                let known = CertificateRotation.Part.allCases.map(\.rawValue).joined(separator: ", ")
                throw OperatorError(
                    400, "InvalidParameterException", "'\(name.prefix(80))' cannot be rotated; there are \(known).")
            }
            return part
        }
        return CertificateRotation(parts: parts, completes: request.completes)
    }

    private func begin(_ name: String, _ request: UpdateRequest, by principal: Principal) async throws -> ClusterUpdate {
        switch (request.version, request.release) {
        case (let version?, nil):
            guard !request.isInPlace, request.isSequential != true else {
                throw OperatorError(
                    400, "InvalidParameterException",
                    "A patch in place, and an update one after the other, name a release and not a version.")
            }
            return try await clusters.updateVersion(name, VersionChange(version: version), as: principal)
        case (nil, let release?):
            guard !request.isInPlace || request.isSequential != true else {
                throw OperatorError(400, "InvalidParameterException", "An update is either in place or one after the other.")
            }
            let strategy: UpdateIntent.Strategy = request.isInPlace ? .inPlace : request.isSequential == true ? .sequential : .blueGreen
            return try await clusters.updateRelease(name, ReleaseChange(release: release, strategy: strategy), as: principal)
        default:
            throw OperatorError(400, "InvalidParameterException", "An update goes to a version or to a release: give one of both.")
        }
    }
}
