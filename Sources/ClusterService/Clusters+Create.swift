import Crypto
import FleetModel
import FleetStore
import Foundation
import Identity
import Timing

extension Clusters {
    /// How often a creation is tried when others take the same network slot at the same time.
    private static let attempts = 64

    /// Writes a new cluster: itself, its name, its network block and its creator's access, all in one transaction.
    ///
    /// The same request with the same `clientRequestToken` gives the same cluster, also when two of them race.
    /// - Parameter etcdQuotaMiB: of etcd's database; nil: the standard.
    public func create(_ request: NewCluster, etcdQuotaMiB: Int? = nil, as caller: Principal) async throws -> Cluster {
        try await create(request, etcdQuotaMiB: etcdQuotaMiB, as: caller) { _ in }
    }

    /// - Parameter adjust: changes the cluster before it is written.
    func create(
        _ request: NewCluster, etcdQuotaMiB: Int? = nil, as caller: Principal, adjusting adjust: @Sendable (inout Cluster) -> Void
    ) async throws -> Cluster {
        try check(caller, .create, "eks:CreateCluster", region.clusterARN(String((request.name ?? "").prefix(120))))
        let name = try admission.name(request)
        var settings = try admission.settings(request, creator: caller)
        settings.requestDigest = try Self.digest(request, creator: caller)
        let release = try await release(for: request.version)
        let key = try await encryptionKey(request.encryptionConfig)
        let etcdSize = try etcdQuotaMiB.map { try Self.etcdSize(.etcdSmall, quotaMiB: $0) } ?? .etcdSmall
        for _ in 0..<Self.attempts {
            if let existing = try await find(name.rawValue)?.value { return try replay(settings, of: existing) }
            let slot = try slots.reserve(taken: try await NetworkSlots.taken(in: store))
            defer { slots.release(slot) }
            var cluster = try await draft(name, settings, release, etcdSize, slot: slot)
            // Nothing was ever plain: there is no way to go.
            if let key { cluster.spec.encryption = encryption(of: cluster, key, phase: .settled) }
            adjust(&cluster)
            do {
                try await store.commit(
                    try operations(cluster, slot: slot, caller: caller),
                    if: [
                        .absent(StoreKeys.clusterIndex(name)), .absent(cluster.storeKey), .absent(StoreKeys.networkSlot(slot)),
                    ])
                return cluster
            } catch let error as StoreError where error.code == .conflict {
                try Task.checkCancellation()
            }
        }
        throw ClusterServiceError(.busy, "Too many clusters are being created at this moment; try again.", cluster: name.rawValue)
    }

    /// EKS: the token makes a repeated request harmless; with other parameters it is a mistake of the caller.
    private func replay(_ settings: ClusterSettings, of existing: Cluster) throws -> Cluster {
        let name = existing.name.rawValue
        guard let token = settings.clientRequestToken, existing.spec.settings.clientRequestToken == token,
            existing.metadata.deletionRequestedAt == nil
        else { throw ClusterServiceError(.inUse, "Cluster already exists with name: \(name)", cluster: name) }
        guard existing.spec.settings.requestDigest == settings.requestDigest else {
            throw ClusterServiceError(
                .invalidParameter, "The client request token was used before for the cluster \(name) with other parameters.", cluster: name)
        }
        return existing
    }

    /// Of everything but the token, and of who asks.
    private static func digest(_ request: NewCluster, creator: Principal) throws -> String {
        var request = request
        request.clientRequestToken = nil
        let bytes = try StoreCoding.encode(request) + Array(creator.userID.utf8)
        return SHA256.hash(data: bytes).map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }

    private func release(for version: String?) async throws -> Release {
        let releases = try await releases()
        guard let newest = releases.first else {
            throw ClusterServiceError(.invalidParameter, "This region has no Kubernetes release; an operator must import one first.")
        }
        guard let version else { return newest }
        guard let wanted = try? KubernetesVersion(version), wanted.patch == nil,
            let release = releases.first(where: { $0.kubernetesVersion.minorVersion == wanted })
        else {
            let known = Self.minors(releases).map { "\($0.kubernetesVersion.minorVersion)" }.joined(separator: ", ")
            throw ClusterServiceError(.invalidParameter, "unsupported Kubernetes version \(version.prefix(40)); this region has \(known)")
        }
        return release
    }

    private func draft(_ name: ClusterName, _ settings: ClusterSettings, _ release: Release, _ etcdSize: InstanceSize, slot: Int)
        async throws -> Cluster
    {
        let network = try ClusterNetwork(pool: admission.addressPool, slot: slot)
        var spec = ControlPlaneSpec(
            release: release.id, version: release.kubernetesVersion, zones: region.zones, etcdSize: etcdSize, network: network)
        spec.endpointAccess = EndpointAccess(settings)
        return Cluster(
            name: name, cell: try await roomiestCell(), metadata: Metadata(uid: UUID().uuidString.lowercased(), createdAt: time.now),
            spec: ClusterSpec(controlPlane: spec, settings: settings))
    }

    private func roomiestCell() async throws -> CellName {
        guard cells.count > 1 else { return cells[0] }
        var counts = Dictionary(cells.map { ($0, 0) }, uniquingKeysWith: { $1 })
        for value in try await store.list(prefix: StoreKeys.clusterIndexPrefix).values {
            counts[CellName(rawValue: String(decoding: value.value, as: UTF8.self))]? += 1
        }
        return cells.min { (counts[$0] ?? 0, $0) < (counts[$1] ?? 0, $1) } ?? cells[0]
    }

    private func operations(_ cluster: Cluster, slot: Int, caller: Principal) throws -> [StoreOperation] {
        var operations: [StoreOperation] = [
            try .put(cluster), .put(StoreKeys.clusterIndex(cluster.name), Array(cluster.cell.rawValue.utf8)),
            .put(StoreKeys.networkSlot(slot), Array(cluster.metadata.uid.utf8)),
        ]
        guard cluster.spec.settings.bootstrapClusterCreatorAdminPermissions else { return operations }
        let now = cluster.metadata.createdAt
        let entry = AccessEntry(
            cluster: cluster.name, cell: cluster.cell, metadata: Metadata(uid: UUID().uuidString.lowercased(), createdAt: now),
            principalARN: caller.arn, principalID: caller.userID, username: caller.arn,
            policies: [
                AssociatedAccessPolicy(policyARN: AccessPolicy.clusterAdmin.arn, namespaces: [], associatedAt: now, modifiedAt: now)
            ],
            modifiedAt: now)
        operations.append(try .put(entry))
        return operations
    }
}
