import Foundation

extension ClusterUpdate {
    /// The record of a change of a cluster's encryption, which begins now.
    /// - Parameters:
    ///   - id: a new UUID.
    ///   - type: the service model's `UpdateType`.
    public static func encryption(_ id: String, of cluster: Cluster, keyARN: String, type: String, now: Date) -> ClusterUpdate {
        ClusterUpdate(
            id: id, cluster: cluster.name, cell: cluster.cell, status: .inProgress, type: type,
            parameters: ["EncryptionConfig": "[{\"resources\":[\"secrets\"],\"provider\":{\"keyArn\":\"\(keyARN)\"}}]"], createdAt: now)
    }
}

extension ControlPlaneSpec {
    /// Has all API servers made anew, beside those that serve, with what the spec says now.
    public mutating func renewAPIServers() { apiServerRevision += 1 }
}
