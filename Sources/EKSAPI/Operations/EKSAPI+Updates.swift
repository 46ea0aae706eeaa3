import ClusterService
import FleetModel
import Hummingbird

extension EKSAPI {
    func updateClusterVersion(_ call: EKSCall) async throws -> Response {
        try answer(await clusters.updateVersion(call.cluster, call.decoded(VersionChange.self), as: call.caller))
    }

    func updateClusterConfig(_ call: EKSCall) async throws -> Response {
        try answer(await clusters.change(call.cluster, call.decoded(ClusterChange.self), as: call.caller))
    }

    func listUpdates(_ call: EKSCall) async throws -> Response {
        try refuseOtherUpdates(call)
        let updates = try await clusters.updates(of: call.cluster, as: call.caller)
        let page = try Page(of: updates.map { $0.id }, "updates/\(call.cluster)", call.query, key: { $0 })
        return try JSONAnswers.json(UpdateIDs(updateIds: page.items, nextToken: page.nextToken))
    }

    func describeUpdate(_ call: EKSCall) async throws -> Response {
        try refuseOtherUpdates(call)
        let update = try await clusters.update(call.label(1), of: call.cluster, as: call.caller)
        return try answer(update)
    }

    /// Asking again is harmless, with the same `clientRequestToken` or another.
    func cancelUpdate(_ call: EKSCall) async throws -> Response {
        try answer(await clusters.cancelUpdate(call.label(1), of: call.cluster, as: call.caller))
    }

    /// Node groups, add-ons and capabilities do not exist here, nor do updates of them.
    private func refuseOtherUpdates(_ call: EKSCall) throws {
        for (parameter, what) in [("nodegroupName", "node group"), ("addonName", "addon"), ("capabilityName", "capability")] {
            guard let name = call.query[parameter] else { continue }
            throw APIFailure(
                404, "ResourceNotFoundException", "No \(what) found for name: \(name.prefix(100)).", clusterName: call.cluster)
        }
    }

    private func answer(_ update: ClusterUpdate) throws -> Response {
        try JSONAnswers.json(UpdateAnswer(update: UpdateShape(update)))
    }
}
