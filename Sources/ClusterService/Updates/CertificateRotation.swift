import FleetModel
import Identity

/// What is to be renewed of a cluster's certificates and keys.
public struct CertificateRotation: Codable, Hashable, Sendable {
    public enum Part: String, Codable, Hashable, Sendable, CaseIterable {
        /// Everything's certificates, by the authorities that there are.
        case certificates
        /// Of the cluster, of etcd and of the front proxy, and with them all certificates.
        case authorities
        /// What signs the tokens of service accounts.
        case serviceAccountKey = "service-account-key"
    }

    /// Empty: all of them.
    public var parts: [Part]
    /// Ends a rotation that stands: what was issued before it is trusted no more.
    public var completes: Bool

    public init(parts: [Part] = [], completes: Bool = false) {
        self.parts = parts
        self.completes = completes
    }
}

/// Decides what a rotation makes of a cluster. Pure.
struct RotationAdmission {
    let cluster: Cluster

    /// - Throws: `ClusterServiceError` (`invalidParameter`, `invalidRequest`).
    func draft(_ request: CertificateRotation) throws -> UpdateDraft {
        if request.completes {
            guard request.parts.isEmpty else {
                throw ClusterServiceError(
                    .invalidParameter, "What is completed is the rotation that stands; it takes no parts.", cluster: cluster.name.rawValue)
            }
            return try completion()
        }
        let wanted = RotationIntent.Part.allCases.filter { part in
            request.parts.isEmpty || request.parts.contains { $0.rawValue == part.rawValue }
        }
        guard cluster.spec.controlPlane.zones.count > 2 || wanted == [.serviceAccountKey] else {
            throw refused("\(cluster.name) has too few etcd members: none can be made anew without an outage.")
        }
        return wanted.isEmpty ? certificates() : try generation(wanted)
    }

    private func certificates() -> UpdateDraft {
        var spec = cluster.spec
        spec.controlPlane.renewEverything()
        return draft(spec, "certificates")
    }

    private func generation(_ parts: [RotationIntent.Part]) throws -> UpdateDraft {
        var spec = cluster.spec
        switch cluster.spec.rotation {
        case nil: spec.rotation = RotationIntent(parts: parts, present: 1)
        case .some(let old) where old.phase == .settled: spec.rotation = RotationIntent(parts: parts, present: old.present)
        case .some(let old) where old.phase == .trusted:
            // One that failed or was cancelled stands here, and goes on.
            guard old.parts == parts else {
                throw refused("A rotation of \(old.subject) of \(cluster.name) stands half-way; ask for the same again, and it goes on.")
            }
        case .some(let old):
            throw refused(
                "The rotation of \(old.subject) of \(cluster.name) is not completed yet: `slipway cluster rotate \(cluster.name) --complete`."
            )
        }
        return draft(spec, parts.map(\.rawValue).joined(separator: ","), advances: true)
    }

    private func completion() throws -> UpdateDraft {
        guard var rotation = cluster.spec.rotation, [.issued, .served].contains(rotation.phase) else {
            throw refused("\(cluster.name) has no rotation that could be completed.")
        }
        rotation.goal = .settled
        var spec = cluster.spec
        spec.rotation = rotation
        return draft(spec, "completion", advances: true)
    }

    private func draft(_ spec: ClusterSpec, _ what: String, advances: Bool = false) -> UpdateDraft {
        UpdateDraft(
            type: ClusterUpdate.rotationType, parameters: ["Renews": what], spec: spec, advancesRotation: advances, isImmediate: false)
    }

    private func refused(_ message: String) -> ClusterServiceError {
        ClusterServiceError(.invalidRequest, message, cluster: cluster.name.rawValue)
    }
}

extension Clusters {
    /// Renews certificates, authorities and keys, as one update. Of authorities and keys the old ones stay trusted until the rotation
    /// is completed, which is another update: who has not learned of the new ones by then is cut off. EKS has no such operation.
    /// - Throws: `ClusterServiceError` (`invalidParameter`, `invalidRequest`, `inUse`, `notFound`).
    public func rotate(_ name: String, _ request: CertificateRotation, as caller: Principal) async throws -> ClusterUpdate {
        try await begin(name, "slipway:RotateCertificates", try UpdateToken(nil, of: request), as: caller) { cluster in
            try requireActive(cluster)
            return try RotationAdmission(cluster: cluster).draft(request)
        }
    }
}
