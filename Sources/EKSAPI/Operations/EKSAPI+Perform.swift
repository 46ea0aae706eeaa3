import Hummingbird
import SignatureV4

extension EKSAPI {
    /// Carries out an authenticated call.
    func perform(_ route: EKSRoute, _ exchange: Exchange, body: [UInt8]) async throws -> Response {
        guard let caller = exchange.caller else { throw SignatureError.missing }
        let call = EKSCall(labels: route.labels, query: Query(pairs: exchange.signable.queryPairs), body: body, caller: caller)
        switch route.target {
        case .unoffered(let name):
            throw APIFailure(400, "InvalidRequestException", "\(name) is not offered by Slipway (yet).")
        case .offered(let operation): return try await perform(operation, call)
        }
    }

    private func perform(_ operation: EKSOperation, _ call: EKSCall) async throws -> Response {
        switch operation {
        case .createCluster: try await createCluster(call)
        case .describeCluster: try await describeCluster(call)
        case .listClusters: try await listClusters(call)
        case .deleteCluster: try await deleteCluster(call)
        case .describeClusterVersions: try await describeClusterVersions(call)
        case .updateClusterVersion: try await updateClusterVersion(call)
        case .updateClusterConfig: try await updateClusterConfig(call)
        case .associateEncryptionConfig: try await associateEncryptionConfig(call)
        case .associateIdentityProviderConfig: try await associateIdentityProviderConfig(call)
        case .describeIdentityProviderConfig: try await describeIdentityProviderConfig(call)
        case .listIdentityProviderConfigs: try await listIdentityProviderConfigs(call)
        case .disassociateIdentityProviderConfig: try await disassociateIdentityProviderConfig(call)
        case .tagResource: try await tagResource(call)
        case .untagResource: try await untagResource(call)
        case .listTagsForResource: try await listTagsForResource(call)
        case .listUpdates: try await listUpdates(call)
        case .describeUpdate: try await describeUpdate(call)
        case .cancelUpdate: try await cancelUpdate(call)
        case .listInsights: try await listInsights(call)
        case .describeInsight: try await describeInsight(call)
        case .startInsightsRefresh: try await startInsightsRefresh(call)
        case .describeInsightsRefresh: try await describeInsightsRefresh(call)
        case .createAccessEntry: try await createAccessEntry(call)
        case .describeAccessEntry: try await describeAccessEntry(call)
        case .listAccessEntries: try await listAccessEntries(call)
        case .updateAccessEntry: try await updateAccessEntry(call)
        case .deleteAccessEntry: try await deleteAccessEntry(call)
        case .associateAccessPolicy: try await associateAccessPolicy(call)
        case .disassociateAccessPolicy: try await disassociateAccessPolicy(call)
        case .listAssociatedAccessPolicies: try await listAssociatedAccessPolicies(call)
        case .listAccessPolicies: try listAccessPolicies(call)
        }
    }
}
