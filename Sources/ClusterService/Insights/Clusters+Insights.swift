import FleetModel
import FleetStore
import Foundation
import Identity
import Timing

extension Clusters {
    /// A cluster's insights, in order of names; empty until it was looked at.
    public func insights(of name: String, action: String = "eks:ListInsights", as caller: Principal) async throws -> [Insight] {
        let cluster = try await authorized(name, .read, action, caller).value
        return try await record(of: cluster)?.value.insights.sorted { ($0.name, $0.id) < ($1.name, $1.id) } ?? []
    }

    public func insight(_ id: String, of name: String, as caller: Principal) async throws -> Insight {
        guard let found = try await insights(of: name, action: "eks:DescribeInsight", as: caller).first(where: { $0.id == id }) else {
            throw ClusterServiceError(.notFound, "No insight found for ID: \(id.prefix(80))", cluster: name)
        }
        return found
    }

    /// Asks for a look at the cluster now. While one is asked for already, that one is the answer.
    public func refreshInsights(of name: String, as caller: Principal) async throws -> ClusterInsights.Refresh {
        while true {
            let cluster = try await authorized(name, .change, "eks:StartInsightsRefresh", caller).value
            guard cluster.status.activeSince != nil, cluster.metadata.deletionRequestedAt == nil else {
                throw ClusterServiceError(
                    .invalidRequest, "Insights of \(name) cannot be refreshed while its status is \(cluster.status.phase.rawValue).",
                    cluster: name)
            }
            let known = try await record(of: cluster)
            if let refresh = known?.value.refresh, refresh.status == .inProgress { return refresh }
            var record = known?.value ?? ClusterInsights(cluster: cluster.name, cell: cluster.cell, clusterUID: cluster.metadata.uid)
            let refresh = ClusterInsights.Refresh(
                status: .inProgress, message: "Insights refresh is in progress", startedAt: time.now)
            record.refresh = refresh
            do {
                try await store.commit(
                    [try .put(record)],
                    if: [known.map { .unchanged(record.storeKey, modRevision: $0.modRevision) } ?? .absent(record.storeKey)])
                return refresh
            } catch let error as StoreError where error.code == .conflict {
                try Task.checkCancellation()
            }
        }
    }

    /// How the last refresh went; nil: there was none.
    public func insightsRefresh(of name: String, as caller: Principal) async throws -> ClusterInsights.Refresh? {
        let cluster = try await authorized(name, .read, "eks:DescribeInsightsRefresh", caller).value
        return try await record(of: cluster)?.value.refresh
    }

    private func record(of cluster: Cluster) async throws -> Stored<ClusterInsights>? {
        let stored = try await store.get(ClusterInsights.self, StoreKeys.insights(of: cluster.name, in: cluster.cell))
        return stored?.value.clusterUID == cluster.metadata.uid ? stored : nil
    }
}
