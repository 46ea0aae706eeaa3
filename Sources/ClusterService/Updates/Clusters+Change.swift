import FleetModel
import Identity

extension Clusters {
    /// Changes a cluster's configuration. What touches nothing that runs is done when it is written.
    ///
    /// The same request with the same `clientRequestToken` gives the same update.
    public func change(_ name: String, _ request: ClusterChange, as caller: Principal) async throws -> ClusterUpdate {
        var plain = request
        plain.clientRequestToken = nil
        let token = try UpdateToken(request.clientRequestToken, of: plain)
        return try await begin(name, "eks:UpdateClusterConfig", token, as: caller) { cluster in
            let draft = try ConfigAdmission(admission: admission, cluster: cluster).draft(request)
            if !draft.isImmediate { try requireActive(cluster) }
            return draft
        }
    }
}
