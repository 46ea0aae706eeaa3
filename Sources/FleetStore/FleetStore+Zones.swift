import FleetModel
import Foundation

extension StoreKeys {
    public static let zones: StoreKey = "zones/"
    public static func zone(_ name: ZoneName) -> StoreKey { StoreKey(rawValue: "zones/\(name)") }
    public static let regionPolicy: StoreKey = "region/policy"
}

extension Zone: StoredResource {
    public var storeKey: StoreKey { StoreKeys.zone(name) }
}

extension RegionPolicy: StoredResource {
    public var storeKey: StoreKey { StoreKeys.regionPolicy }
}

extension FleetStore {
    /// The region's zones, in its order. Those that the store does not have yet are made, in service.
    public func zones(of region: Region, now: Date) async throws -> [Stored<Zone>] {
        let known = try await list(Zone.self, prefix: StoreKeys.zones).items
        var zones: [Stored<Zone>] = []
        for name in region.zones {
            if let zone = known.first(where: { $0.value.name == name }) {
                zones.append(zone)
            } else {
                zones.append(try await made(Zone.inService(name, since: now)))
            }
        }
        return zones
    }

    /// The region's policy; made when there is none.
    public func regionPolicy(now: Date) async throws -> Stored<RegionPolicy> { try await made(RegionPolicy(changedAt: now)) }

    /// What the store has under the key of `first`, which is written when there is nothing.
    private func made<Value: StoredResource>(_ first: Value) async throws -> Stored<Value> {
        while true {
            if let known = try await get(Value.self, first.storeKey) { return known }
            do {
                return try await create(first)
            } catch let error as StoreError where error.code == .conflict {
                try Task.checkCancellation()
            }
        }
    }
}
