import FleetModel
import FleetStore
import Foundation
import Identity
import Planning
import Timing

extension Clusters {
    /// The region's zones, for operators.
    public var zones: Zones { Zones(region: region, cells: cells, store: store, time: time) }
}

/// The region's zones, as operators may see and change them. Like `Clusters`, it writes what is wanted; the controllers do it.
///
/// All operations throw `ClusterServiceError`, `AccessDenied` and `StoreError`.
public struct Zones: Sendable {
    let region: Region
    let cells: [CellName]
    let store: any FleetStore
    let time: TimeSource

    public init(region: Region, cells: [CellName], store: any FleetStore, time: TimeSource) {
        self.region = region
        self.cells = cells
        self.store = store
        self.time = time
    }

    // MARK: Reading

    /// In the region's order.
    public func list(as caller: Principal) async throws -> [Zone] {
        try check(caller, .list, "ListZones")
        return try await store.zones(of: region, now: time.now).map(\.value)
    }

    public func policy(as caller: Principal) async throws -> RegionPolicy {
        try check(caller, .list, "DescribeZonePolicy")
        return try await store.regionPolicy(now: time.now).value
    }

    /// How far each cluster is with what is wanted of the zone; those without anything there are left out.
    public func progress(of zone: Zone, as caller: Principal) async throws -> [EvacuationProgress] {
        try check(caller, .list, "DescribeZone")
        return try await clusters().compactMap { EvacuationProgress(of: $0, zone) }
    }

    public func describe(_ name: String, as caller: Principal) async throws -> Zone {
        try check(caller, .list, "DescribeZone")
        return try await find(name).zone.value
    }

    // MARK: Changing

    /// Takes a zone out of service. Doing it again is harmless; one that `auto` took out is the caller's from then on, and
    /// comes back only by hand.
    /// - Parameter overrules: the caller knows that the other zones may not carry the load.
    public func evacuate(_ name: String, reason: String?, overrules: Bool, as caller: Principal) async throws -> Zone {
        try check(caller, .operate, "EvacuateZone")
        while true {
            let (zone, others) = try await find(name)
            if zone.value.isEvacuated, !zone.value.spec.isAutomatic { return zone.value }
            let judge = EvacuationGuard()
            var objections = judge.invariant(zone.value.name, others.map(\.value))
            if !zone.value.isEvacuated { objections += judge.capacity(zone.value.name, try await clusters()) }
            try refuse(objections, overrules: overrules)
            let reason = try checked(reason) ?? "evacuated by \(caller.name)"
            if let new = try await write(.evacuated, zone, others, reason, caller) { return new }
        }
    }

    /// Puts a zone back into service. Doing it again is harmless.
    /// - Parameter overrules: the caller knows that the zone may not be well.
    public func restore(_ name: String, reason: String?, overrules: Bool, as caller: Principal) async throws -> Zone {
        try check(caller, .operate, "RestoreZone")
        while true {
            let (zone, others) = try await find(name)
            guard zone.value.isEvacuated else { return zone.value }
            let health = zone.value.status.health
            guard !health.isImpaired || overrules else {
                throw ClusterServiceError(
                    .invalidRequest,
                    "Zone \(name) is \(health.text): \(zone.value.status.evidence.joined(separator: "; ")). Wait until it is healthy, or insist with --force."
                )
            }
            let reason = try checked(reason) ?? "restored by \(caller.name)"
            if let new = try await write(.inService, zone, others, reason, caller) { return new }
        }
    }

    /// - Parameters:
    ///   - evacuation: nil: as it is.
    ///   - restoreAfter: seconds, 1 to 86,400; nil: as it is.
    public func setPolicy(_ evacuation: EvacuationPolicy?, restoreAfter: Double?, as caller: Principal) async throws -> RegionPolicy {
        try check(caller, .operate, "SetZonePolicy")
        if let restoreAfter, !(1...86_400).contains(restoreAfter) {
            throw ClusterServiceError(.invalidParameter, "A zone is restored after 1 to 86400 seconds of health, not \(restoreAfter).")
        }
        let known = try await store.regionPolicy(now: time.now)
        let (now, name) = (time.now, caller.arn)
        let stored = try await store.update(known) { current in
            let wanted = (evacuation ?? current.evacuation, restoreAfter ?? current.restoreAfter)
            guard wanted != (current.evacuation, current.restoreAfter) else { return nil }
            return RegionPolicy(evacuation: wanted.0, restoreAfter: wanted.1, changedBy: name, changedAt: now)
        }
        return stored?.value ?? known.value
    }

    // MARK: Parts

    private func find(_ name: String) async throws -> (zone: Stored<Zone>, others: [Stored<Zone>]) {
        let zones = try await store.zones(of: region, now: time.now)
        guard let zone = zones.first(where: { $0.value.name.rawValue == name }) else {
            let known = region.zones.map(\.rawValue).joined(separator: ", ")
            throw ClusterServiceError(.notFound, "There is no zone '\(name.prefix(80))' in \(region.name); there are \(known).")
        }
        return (zone, zones.filter { $0.value.name != zone.value.name })
    }

    private func clusters() async throws -> [Cluster] {
        var clusters: [Cluster] = []
        for cell in cells { clusters += try await store.list(Cluster.self, prefix: StoreKeys.clusters(in: cell)).items.map(\.value) }
        return clusters
    }

    private func refuse(_ objections: [EvacuationObjection], overrules: Bool) throws {
        let standing = objections.filter { !overrules || !$0.canBeOverruled }
        guard let first = standing.first else { return }
        let advice = standing.allSatisfy(\.canBeOverruled) ? " Evacuate it all the same with --force." : ""
        throw ClusterServiceError(
            first.canBeOverruled ? .invalidRequest : .inUse, standing.map(\.message).joined(separator: " ") + advice)
    }

    private func checked(_ reason: String?) throws -> String? {
        guard let reason, !reason.isEmpty else { return nil }
        guard reason.count <= 200 else { throw ClusterServiceError(.invalidParameter, "A reason has at most 200 characters.") }
        return reason
    }

    /// Only while the other zones are as they were read, so that two evacuations at the same moment cannot both succeed.
    /// - Returns: nil when somebody else wrote meanwhile: look again.
    private func write(
        _ state: ZoneServiceState, _ zone: Stored<Zone>, _ others: [Stored<Zone>], _ reason: String, _ caller: Principal
    ) async throws -> Zone? {
        var new = zone.value
        new.spec = new.spec.changed(to: state, by: caller.arn, reason: reason, at: time.now)
        do {
            try await store.commit(
                [try .put(new)], if: ([zone] + others).map { .unchanged($0.value.storeKey, modRevision: $0.modRevision) })
            return new
        } catch let error as StoreError where error.code == .conflict {
            try Task.checkCancellation()
            return nil
        }
    }

    private func check(_ caller: Principal, _ kind: ActionRequest.Kind, _ action: String) throws {
        try Authorization.check(caller, ActionRequest(kind, name: "slipway:\(action)", resource: "*"))
    }
}
