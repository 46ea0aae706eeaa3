import FleetModel
import FleetStore
import Foundation
import Identity
import Logging
import Timing

/// The region's clusters, as callers may see and change them. Every operation takes the caller and checks its right.
///
/// Nothing here touches a running control plane: what is wanted is written to the store, in one transaction, and the fleet's
/// controllers do the rest.
///
/// All operations throw `ClusterServiceError`, `AccessDenied` and `StoreError`.
public struct Clusters: Sendable {
    public let region: Region
    let cells: [CellName]
    let store: any FleetStore
    let catalog: any ReleaseCatalog
    let keys: (any KeyService)?
    let admission: ClusterAdmission
    let slots: NetworkSlots
    let time: TimeSource
    let logger: Logger

    /// - Parameters:
    ///   - cells: where new clusters go: to the one that has the fewest. At least one.
    ///   - addressPool: out of which each cluster gets a block.
    ///   - keys: what secrets can be encrypted with; nil where they cannot be (simulation).
    public init(
        region: Region, cells: [CellName], addressPool: IPv4Block, store: any FleetStore, catalog: any ReleaseCatalog,
        keys: (any KeyService)? = nil, time: TimeSource, logger: Logger
    ) {
        self.region = region
        self.cells = cells
        self.store = store
        self.catalog = catalog
        self.keys = keys
        self.admission = ClusterAdmission(region: region, addressPool: addressPool)
        self.slots = NetworkSlots(pool: addressPool)
        self.time = time
        self.logger = logger
    }

    // MARK: Reading

    /// - Parameter action: as IAM names it.
    public func describe(_ name: String, action: String = "eks:DescribeCluster", as caller: Principal) async throws -> Cluster {
        try await authorized(name, .read, action, caller).value
    }

    /// In order of names. Owners see their own.
    public func names(as caller: Principal) async throws -> [String] {
        try check(caller, .list, "eks:ListClusters", region.clusterARN("*"))
        if caller.role == .owner {
            return try await all().filter { $0.spec.settings.creatorID == caller.userID }.map { $0.name.rawValue }
        }
        let prefix = StoreKeys.clusterIndexPrefix
        return try await store.list(prefix: prefix).values.map { String($0.key.rawValue.dropFirst(prefix.rawValue.count)) }
    }

    /// Whole clusters, in order of names. Owners see their own.
    public func list(as caller: Principal) async throws -> [Cluster] {
        try check(caller, .list, "eks:ListClusters", region.clusterARN("*"))
        return try await all().filter { caller.role != .owner || $0.spec.settings.creatorID == caller.userID }
    }

    private func all() async throws -> [Cluster] {
        var clusters: [Cluster] = []
        for cell in cells {
            clusters += try await store.list(Cluster.self, prefix: StoreKeys.clusters(in: cell)).items.map { $0.value }
        }
        return clusters.sorted { $0.name < $1.name }
    }

    // MARK: Deleting

    /// Asks for deletion. Asking again is harmless.
    /// - Returns: the cluster, `DELETING`.
    public func delete(_ name: String, as caller: Principal) async throws -> Cluster {
        let stored = try await authorized(name, .change, "eks:DeleteCluster", caller)
        let now = time.now
        let deleted = try await store.update(Cluster.self, stored.value.storeKey) { current in
            guard current.metadata.uid == stored.value.metadata.uid else { throw notFound(name) }
            guard current.metadata.deletionRequestedAt == nil else { return nil }
            // What has never come up holds nothing, and its configuration cannot be changed any more.
            guard !current.spec.settings.deletionProtection || current.status.phase == .failed else {
                throw ClusterServiceError(
                    .invalidRequest, "The cluster \(name) has deletion protection; turn it off with UpdateClusterConfig before deleting.",
                    cluster: name)
            }
            var new = current
            new.metadata.deletionRequestedAt = now
            new.metadata.generation += 1
            new.status.phase = .deleting
            return new
        }
        guard let deleted else { throw notFound(name) }
        return deleted.value
    }

    // MARK: Rights

    func check(_ caller: Principal, _ kind: ActionRequest.Kind, _ action: String, _ resource: String, owner: String? = nil) throws {
        try Authorization.check(caller, ActionRequest(kind, name: action, resource: resource, ownerID: owner))
    }

    /// The cluster, when the caller may do this to it.
    func authorized(
        _ name: String, _ kind: ActionRequest.Kind, _ action: String, _ caller: Principal, resource: String? = nil
    ) async throws -> Stored<Cluster> {
        guard let stored = try await find(name) else {
            // Who may do it to no cluster is not told which names are free.
            if caller.role == .viewer { try check(caller, kind, action, resource ?? region.clusterARN(name)) }
            throw notFound(name)
        }
        try check(caller, kind, action, resource ?? region.clusterARN(name), owner: stored.value.spec.settings.creatorID)
        return stored
    }

    func find(_ text: String) async throws -> Stored<Cluster>? {
        guard let name = try? ClusterName(text) else { return nil }
        if cells.count == 1 { return try await store.get(Cluster.self, StoreKeys.cluster(name, in: cells[0])) }
        guard let index = try await store.get(StoreKeys.clusterIndex(name)) else { return nil }
        let cell = CellName(rawValue: String(decoding: index.value, as: UTF8.self))
        return try await store.get(Cluster.self, StoreKeys.cluster(name, in: cell))
    }

    func notFound(_ name: String) -> ClusterServiceError {
        ClusterServiceError(.notFound, "No cluster found for name: \(name.prefix(120)).", cluster: name)
    }
}
