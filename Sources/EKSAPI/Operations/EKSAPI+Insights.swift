import ClusterService
import FleetModel
import Hummingbird

extension EKSAPI {
    private struct ListRequest: Decodable {
        struct Filter: Decodable {
            var categories: [String]?
            var kubernetesVersions: [String]?
            var statuses: [String]?
        }

        var filter: Filter?
        var maxResults: Int?
        var nextToken: String?
    }

    func listInsights(_ call: EKSCall) async throws -> Response {
        let request = try call.decoded(ListRequest.self)
        let categories = try known(Insight.Category.self, request.filter?.categories, "filter.categories")
        let statuses = try known(Insight.Status.self, request.filter?.statuses, "filter.statuses")
        let versions = request.filter?.kubernetesVersions ?? []
        let insights = try await clusters.insights(of: call.cluster, as: call.caller).filter { insight in
            (categories.isEmpty || categories.contains(insight.category)) && (statuses.isEmpty || statuses.contains(insight.status))
                && (versions.isEmpty || versions.contains(insight.kubernetesVersion))
        }
        // This list is asked for by POST: what others have in their query is in the body.
        var pairs: [(key: String, value: String)] = []
        if let limit = request.maxResults { pairs.append(("maxResults", "\(limit)")) }
        if let token = request.nextToken { pairs.append(("nextToken", token)) }
        let page = try Page(of: insights, "insights/\(call.cluster)", Query(pairs: pairs), key: { "\($0.name) \($0.id)" })
        return try JSONAnswers.json(InsightList(insights: page.items.map(InsightSummaryShape.init), nextToken: page.nextToken))
    }

    func describeInsight(_ call: EKSCall) async throws -> Response {
        let insight = try await clusters.insight(call.label(1), of: call.cluster, as: call.caller)
        return try JSONAnswers.json(InsightAnswer(insight: InsightShape(insight)))
    }

    func startInsightsRefresh(_ call: EKSCall) async throws -> Response {
        let refresh = try await clusters.refreshInsights(of: call.cluster, as: call.caller)
        return try JSONAnswers.json(InsightsRefreshAnswer(message: refresh.message, status: refresh.status.rawValue))
    }

    func describeInsightsRefresh(_ call: EKSCall) async throws -> Response {
        guard let refresh = try await clusters.insightsRefresh(of: call.cluster, as: call.caller) else {
            throw APIFailure(
                404, "ResourceNotFoundException", "No insights refresh found for cluster: \(call.cluster).", clusterName: call.cluster)
        }
        return try JSONAnswers.json(
            InsightsRefreshDescription(
                message: refresh.message, status: refresh.status.rawValue, startedAt: refresh.startedAt, endedAt: refresh.endedAt))
    }

    private func known<Value: RawRepresentable & CaseIterable>(_ type: Value.Type, _ given: [String]?, _ what: String) throws -> [Value]
    where Value.RawValue == String {
        try (given ?? []).map { text in
            guard let value = Value(rawValue: text) else {
                let all = Value.allCases.map(\.rawValue).joined(separator: ", ")
                throw APIFailure.invalidParameter("'\(text.prefix(80))' in \(what) is none of \(all).")
            }
            return value
        }
    }
}
