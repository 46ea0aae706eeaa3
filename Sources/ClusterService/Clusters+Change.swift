import FleetModel
import FleetStore
import Foundation
import Identity
import Timing

extension Clusters {
    /// Changes a cluster's deletion protection or zonal shift, which touch nothing that runs: the update is done when it is written.
    ///
    /// The same request with the same `clientRequestToken` gives the same update.
    public func change(_ name: String, _ request: ClusterChange, as caller: Principal) async throws -> ClusterUpdate {
        while true {
            let stored = try await authorized(name, .change, "eks:UpdateClusterConfig", caller)
            let wanted = try SettingChange(request, cluster: name)
            if let token = request.clientRequestToken,
                let earlier = try await changes(of: stored.value).first(where: { $0.token == token })
            {
                guard earlier.parameters == wanted.parameters else {
                    throw ClusterServiceError(
                        .invalidParameter, "The client request token was used before for \(name) with other parameters.", cluster: name)
                }
                return earlier
            }
            guard stored.value.metadata.deletionRequestedAt == nil else {
                throw ClusterServiceError(.inUse, "Cluster \(name) is being deleted.", cluster: name)
            }
            var cluster = stored.value
            wanted.apply(to: &cluster.spec.settings)
            guard cluster.spec.settings != stored.value.spec.settings else {
                throw ClusterServiceError(.invalidParameter, "No changes needed: \(wanted.text(of: name)).", cluster: name)
            }
            var update = ClusterUpdate(
                id: UUID().uuidString.lowercased(), cluster: cluster.name, cell: cluster.cell, status: .successful,
                type: wanted.type, parameters: wanted.parameters, createdAt: time.now)
            update.token = request.clientRequestToken
            do {
                try await store.commit(
                    [try .put(cluster), try .put(update)],
                    if: [.unchanged(cluster.storeKey, modRevision: stored.modRevision), .absent(update.storeKey)])
                return update
            } catch let error as StoreError where error.code == .conflict {
                try Task.checkCancellation()
            }
        }
    }

    func changes(of cluster: Cluster) async throws -> [ClusterUpdate] {
        try await store.list(ClusterUpdate.self, prefix: StoreKeys.updates(of: cluster.name, in: cluster.cell)).items.map(\.value)
    }
}

/// The one setting that a request changes: EKS takes one kind of change at a time, since an update has one type.
private enum SettingChange {
    case deletionProtection(Bool)
    case zonalShift(Bool)

    /// - Throws: `ClusterServiceError` (`invalidParameter`).
    init(_ request: ClusterChange, cluster: String) throws {
        func invalid(_ message: String) -> ClusterServiceError { ClusterServiceError(.invalidParameter, message, cluster: cluster) }
        if let other = request.unoffered.first { throw invalid("Changing \(other) is not offered by Slipway (yet).") }
        if let token = request.clientRequestToken, !(1...128).contains(token.utf8.count) {
            throw invalid("The client request token must have 1 to 128 characters.")
        }
        switch (request.deletionProtection, request.zonalShiftConfig) {
        case (let wanted?, nil): self = .deletionProtection(wanted)
        case (nil, let config?):
            guard let wanted = config.enabled else { throw invalid("zonalShiftConfig needs 'enabled': true or false.") }
            self = .zonalShift(wanted)
        case (nil, nil): throw invalid("No changes requested; deletionProtection and zonalShiftConfig can be changed.")
        default: throw invalid("Only one type of change is allowed in one request: deletionProtection or zonalShiftConfig.")
        }
    }

    func apply(to settings: inout ClusterSettings) {
        switch self {
        case .deletionProtection(let wanted): settings.deletionProtection = wanted
        case .zonalShift(let wanted): settings.zonalShiftEnabled = wanted
        }
    }

    /// The service model's `UpdateType`.
    var type: String {
        switch self {
        case .deletionProtection: "DeletionProtectionUpdate"
        case .zonalShift: "ZonalShiftConfigUpdate"
        }
    }

    /// By the service model's `UpdateParamType`; a structure is given as its JSON.
    var parameters: [String: String] {
        switch self {
        case .deletionProtection(let wanted): ["DeletionProtection": "\(wanted)"]
        case .zonalShift(let wanted): ["ZonalShiftConfig": "{\"enabled\":\(wanted)}"]
        }
    }

    func text(of cluster: String) -> String {
        switch self {
        case .deletionProtection(let wanted): "deletion protection of \(cluster) is \(wanted ? "on" : "off")"
        case .zonalShift(let wanted): "zonal shift of \(cluster) is \(wanted ? "enabled" : "disabled")"
        }
    }
}
