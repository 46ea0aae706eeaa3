import Controller
import FleetModel
import FleetStore
import Foundation
import Logging
import Metrics
import Planning
import Timing

/// Renews the certificates of a cluster's instances weeks before they end, by an update like one that somebody asks for.
struct RenewalReconciler: Reconciler {
    let kind = "certificate-renewal"
    let cell: CellName
    let store: any FleetStore
    let time: TimeSource
    let logger: Logger

    /// From one look to the next. Seconds.
    static let interval = Duration.seconds(3600)
    /// What has just been tried, and did not help, is left to people for this long. Seconds.
    private static let pause: TimeInterval = 7 * 86_400

    func reconcile(_ name: ClusterName) async throws -> Outcome {
        guard let stored = try await store.get(Cluster.self, StoreKeys.cluster(name, in: cell)),
            stored.value.metadata.deletionRequestedAt == nil
        else { return .absent }
        let cluster = stored.value
        let expiry = CertificateExpiry(cluster.status.instances)
        if let first = expiry.first {
            Meter(label: "slipway_cluster_certificate_expiry_seconds", dimensions: [("cluster", name.rawValue)])
                .set(first.at.timeIntervalSince1970)
        }
        guard expiry.needsRenewal(now: time.now) else { return .settled }
        guard isCalm(cluster) else { return .waiting("the cluster's certificates are renewed when it is whole", recheck: Self.interval) }
        let updates = try await store.list(ClusterUpdate.self, prefix: StoreKeys.updates(of: name, in: cell)).items.map(\.value)
        let recent = updates.contains { update in
            update.status == .inProgress
                || update.type == ClusterUpdate.rotationType && time.now.timeIntervalSince(update.createdAt) < Self.pause
        }
        guard !recent else { return .waiting("the cluster's certificates were renewed just now", recheck: Self.interval) }
        try await renew(stored)
        return .settled
    }

    /// Active and whole, and nothing else is done to it.
    private func isCalm(_ cluster: Cluster) -> Bool {
        let isWhole = cluster.status.conditions.contains { $0.kind == .progressing && $0.status == .no }
        let isEncrypting = cluster.spec.encryption.map { $0.phase != .settled } ?? false
        return cluster.status.activeSince != nil && isWhole && cluster.spec.update == nil && cluster.spec.restore == nil && !isEncrypting
    }

    /// A cluster that somebody wrote meanwhile is looked at again.
    private func renew(_ stored: Stored<Cluster>) async throws {
        let cluster = stored.value
        var update = ClusterUpdate(
            id: UUID().uuidString.lowercased(), cluster: cluster.name, cell: cluster.cell, status: .inProgress,
            type: ClusterUpdate.rotationType, parameters: ["Renews": "certificates"], createdAt: time.now)
        update.requestedBy = "slipway"
        var spec = cluster.spec
        spec.controlPlane.renewEverything()
        try await store.replace(stored, with: cluster.updating(to: spec, by: update), and: [try .put(update)])
        logger.notice("certificates are renewed", metadata: ["cluster": "\(cluster.name)", "update": "\(update.id)"])
    }
}
