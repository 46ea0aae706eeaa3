import ClusterService
import FleetModel
import Hummingbird
import Identity
import SlipwayClient

extension OperatorAPI {
    /// What a cluster can begin again from; with `request`, begins.
    func recovery(_ name: String, _ request: RecoveryRequest?, by principal: Principal) async throws -> Response {
        let cluster = try await clusters.recoverable(name, as: principal)
        guard let proposeRecovery else {
            throw OperatorError(400, "InvalidRequestException", "This region's clusters have no data that could be recovered.")
        }
        let proposal = try await proposeRecovery(cluster)
        guard let request else { return Self.json(proposal) }
        guard let source = proposal.source else { throw OperatorError(409, "ResourceInUseException", proposal.verdict) }
        guard source.name == request.source else {
            throw OperatorError(
                409, "ResourceInUseException",
                "\(name) would be recovered from \(source.name) now, and not from \(request.source.prefix(120)); look again and decide anew."
            )
        }
        let asked = try await clusters.recover(name, from: source, as: principal)
        return Self.json(ClusterDetail(asked, arn: region.clusterARN(asked.name.rawValue)), status: .accepted)
    }
}
