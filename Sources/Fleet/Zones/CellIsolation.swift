import FleetModel
import FleetStore

/// The single instances of a cell that are out of service, kept so that the next leader does not trust what the last one found
/// dead.
public struct CellIsolation: StoredResource, Hashable {
    public var cell: CellName
    /// Names of instances by the cluster's name.
    public var instances: [String: Set<String>]

    public var storeKey: StoreKey { Self.key(cell) }

    public static func key(_ cell: CellName) -> StoreKey { StoreKey(rawValue: "cells/\(cell)/isolation") }

    init(cell: CellName, _ isolated: [ClusterName: Set<String>] = [:]) {
        self.cell = cell
        instances = Dictionary(isolated.map { ($0.key.rawValue, $0.value) }, uniquingKeysWith: { $1 })
    }

    var byCluster: [ClusterName: Set<String>] {
        Dictionary(instances.compactMap { name, instances in (try? ClusterName(name)).map { ($0, instances) } }, uniquingKeysWith: { $1 })
    }
}
