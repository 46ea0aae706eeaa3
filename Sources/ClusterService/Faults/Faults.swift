import FleetModel
import FleetStore
import Foundation
import Identity
import Substrate
import Timing

/// The faults that people inject into a region, checked before anything is broken.
///
/// All operations throw `ClusterServiceError`, `AccessDenied`, `StoreError` and `SubstrateError`.
public struct Faults: Sendable {
    private let clusters: Clusters
    private let substrate: any Substrate & FaultInjecting
    private let time: TimeSource

    public init(clusters: Clusters, substrate: any Substrate & FaultInjecting, time: TimeSource) {
        self.clusters = clusters
        self.substrate = substrate
        self.time = time
    }

    /// The faults that stand, oldest first.
    public func list(as caller: Principal) async throws -> [Fault] {
        try check(caller, .list, "slipway:ListFaults")
        return try await substrate.faults()
    }

    /// Breaks something until it is cleared.
    /// - Parameters:
    ///   - kind: as `FaultKind` is written.
    ///   - cluster: nil for every cluster.
    ///   - instance: nil for every instance in the zone.
    public func inject(
        kind: String, zone: String, cluster: String?, instance: String?, as caller: Principal
    ) async throws -> Fault {
        try check(caller, .operate, "slipway:InjectFault")
        let kind = try self.kind(kind)
        let zone = try self.zone(zone)
        var name: ClusterName?
        if let cluster { name = try await self.cluster(cluster) }
        if let instance {
            guard let name else {
                throw ClusterServiceError(
                    .invalidParameter, "An instance is named within its cluster: say the cluster of '\(instance.prefix(120))', too.")
            }
            try await check(instance, of: name, in: zone, kind)
        }
        let standing = try await substrate.faults()
        if let same = standing.first(where: { ($0.zone, $0.cluster, $0.instance, $0.kind) == (zone, name, instance, kind) }) {
            throw ClusterServiceError(.inUse, "The fault \(same.id) is the same and stands already: \(kind) of \(same.scope).")
        }
        let id = (1...).lazy.map { "f\($0)" }.first { id in !standing.contains { $0.id == id } } ?? "f1"
        let fault = Fault(id: id, zone: zone, cluster: name, instance: instance, kind: kind, since: time.now)
        try await substrate.inject(fault)
        return fault
    }

    /// - Parameter id: nil for all.
    /// - Returns: what stood and stands no more.
    public func clear(_ id: String?, as caller: Principal) async throws -> [Fault] {
        try check(caller, .operate, "slipway:ClearFault")
        let standing = try await substrate.faults()
        let known = standing.map(\.id).joined(separator: ", ")
        if let id, !standing.contains(where: { $0.id == id }) {
            throw ClusterServiceError(
                .notFound, "There is no fault '\(id.prefix(60))'; \(known.isEmpty ? "none stands" : "there are \(known)").")
        }
        try await substrate.clear(id)
        return standing.filter { id == nil || $0.id == id }
    }

    private func check(_ caller: Principal, _ kind: ActionRequest.Kind, _ action: String) throws {
        try clusters.check(caller, kind, action, "*")
    }

    private func kind(_ text: String) throws -> FaultKind {
        do { return try FaultKind(text) } catch { throw ClusterServiceError(.invalidParameter, error.message) }
    }

    private func zone(_ name: String) throws -> ZoneName {
        let zone = ZoneName(rawValue: name)
        let known = clusters.region.zones
        guard known.contains(zone) else {
            throw ClusterServiceError(
                .invalidParameter,
                "There is no zone '\(name.prefix(120))'; there are \(known.map(\.rawValue).joined(separator: ", ")).")
        }
        return zone
    }

    private func cluster(_ name: String) async throws -> ClusterName {
        guard let found = try await clusters.find(name) else { throw clusters.notFound(name) }
        return found.value.name
    }

    private func check(_ instance: String, of cluster: ClusterName, in zone: ZoneName, _ kind: FaultKind) async throws {
        let all = try await substrate.observe(cluster).instances
        guard let found = all.first(where: { $0.id.name == instance }) else {
            let here = all.filter { $0.zone == zone }.map(\.id.name).joined(separator: ", ")
            throw ClusterServiceError(
                .notFound,
                "The cluster \(cluster) has no instance '\(instance.prefix(120))'; in zone \(zone) it has \(here.isEmpty ? "none" : here).")
        }
        guard found.zone == zone else {
            throw ClusterServiceError(.invalidParameter, "The instance \(instance) of \(cluster) is in zone \(found.zone), not in \(zone).")
        }
        guard !kind.isOfVolume || found.volume != nil else {
            throw ClusterServiceError(
                .invalidParameter, "The instance \(instance) has no volume; \(kind) is for instances of etcd, which have one.")
        }
    }
}
