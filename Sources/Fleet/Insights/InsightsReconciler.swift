import Controller
import FleetModel
import FleetStore
import Foundation
import Logging
import Planning
import Timing

/// Looks at one cluster for its insights.
public protocol InsightLooking: Sendable {
    /// What does not answer is left out of it; that is an insight, too.
    /// - Throws: `FleetError` (`credentials`), `StoreError`.
    func look(at cluster: Cluster) async throws -> InsightObservation
}

/// Keeps a cluster's insights fresh: now and then, and when somebody asks for it.
struct InsightsReconciler: Reconciler {
    let kind = "insights"
    let cell: CellName
    let store: any FleetStore
    let looking: any InsightLooking
    let time: TimeSource

    /// From one look to the next when nobody asks: it reads each API server's whole metrics page. (EKS looks once a day.)
    static let interval: TimeInterval = 3600

    func reconcile(_ name: ClusterName) async throws -> Outcome {
        guard let stored = try await store.get(Cluster.self, StoreKeys.cluster(name, in: cell)),
            stored.value.metadata.deletionRequestedAt == nil
        else { return .absent }
        let cluster = stored.value
        guard cluster.status.activeSince != nil else { return .waiting("the cluster is not active yet", recheck: .seconds(30)) }
        let key = StoreKeys.insights(of: name, in: cell)
        let known = try await store.get(ClusterInsights.self, key)
        var record = known?.value ?? ClusterInsights(cluster: name, cell: cell, clusterUID: cluster.metadata.uid)
        // A cluster of the same name that is gone may have left its own.
        if record.clusterUID != cluster.metadata.uid {
            record = ClusterInsights(cluster: name, cell: cell, clusterUID: cluster.metadata.uid)
        }
        // Old and new run side by side: what would be found is over in a minute.
        if cluster.spec.isUpdating, record.refresh?.status != .inProgress {
            return .waiting("an update is in progress", recheck: .seconds(15))
        }
        if let wait = wait(record, cluster) { return .waiting("the next look is not due", recheck: wait) }
        let asked = record.refresh.flatMap { $0.status == .inProgress ? $0.startedAt : nil }
        let seen = try await looking.look(at: cluster)
        record.insights = InsightPlanner().insights(seen, old: record.insights, now: time.now) { UUID().uuidString.lowercased() }
        let silent = seen.servers.filter { $0.value == nil }.keys.sorted()
        let isBlind = silent.count == seen.servers.count
        record.look = .init(endedAt: time.now, isBlind: isBlind)
        if let asked {
            record.refresh = .init(
                status: isBlind ? .failed : .completed,
                message: isBlind
                    ? "No API server answered."
                    : silent.isEmpty ? "All API servers were asked." : "\(silent.joined(separator: ", ")) did not answer.",
                startedAt: asked, endedAt: time.now)
        }
        // Nothing is left of a cluster that went meanwhile. If somebody has asked for a look meanwhile, the next one writes.
        guard let index = try await store.get(StoreKeys.clusterIndex(name)) else { return .absent }
        try await store.commit(
            [try .put(record)],
            if: [
                known.map { .unchanged(key, modRevision: $0.modRevision) } ?? .absent(key),
                .unchanged(StoreKeys.clusterIndex(name), modRevision: index.modRevision),
            ])
        return .waiting("the next look is not due", recheck: .seconds(Self.interval))
    }

    /// How long until the next look; nil: it is due.
    private func wait(_ record: ClusterInsights, _ cluster: Cluster) -> Duration? {
        guard record.refresh?.status != .inProgress, let look = record.look else { return nil }
        // One that failed is tried again soon.
        let isSoon = look.isBlind || isOutdated(record, cluster)
        let left = (isSoon ? 60 : Self.interval) - time.now.timeIntervalSince(look.endedAt)
        return left > 0 ? .seconds(left) : nil
    }

    /// They speak of another next version than that of the cluster, which was updated since.
    private func isOutdated(_ record: ClusterInsights, _ cluster: Cluster) -> Bool {
        let present = cluster.spec.controlPlane.version
        let next = KubernetesVersion(major: present.major, minor: present.minor + 1).description
        return !record.insights.isEmpty && !record.insights.contains { $0.kubernetesVersion == next }
    }
}
