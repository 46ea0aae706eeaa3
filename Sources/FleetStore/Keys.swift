import FleetModel

/// Where each kind of resource is kept. Everything of a cell is under `cells/CELL/`.
public enum StoreKeys {
    /// The cell of a cluster, by name: makes names unique in the region. Its value is the cell's name.
    public static func clusterIndex(_ name: ClusterName) -> StoreKey { StoreKey(rawValue: "index/clusters/\(name)") }
    public static let clusterIndexPrefix: StoreKey = "index/clusters/"

    public static func clusters(in cell: CellName) -> StoreKey { StoreKey(rawValue: "cells/\(cell)/clusters/") }
    public static func cluster(_ name: ClusterName, in cell: CellName) -> StoreKey {
        StoreKey(rawValue: "cells/\(cell)/clusters/\(name)")
    }

    public static func accessEntries(of cluster: ClusterName, in cell: CellName) -> StoreKey {
        StoreKey(rawValue: "cells/\(cell)/access-entries/\(cluster)/")
    }
    public static func accessEntry(_ principalARN: String, of cluster: ClusterName, in cell: CellName) -> StoreKey {
        StoreKey(rawValue: "cells/\(cell)/access-entries/\(cluster)/\(principalARN)")
    }

    public static func credentials(of cluster: ClusterName, in cell: CellName) -> StoreKey {
        StoreKey(rawValue: "cells/\(cell)/credentials/\(cluster)")
    }

    public static func updates(of cluster: ClusterName, in cell: CellName) -> StoreKey {
        StoreKey(rawValue: "cells/\(cell)/updates/\(cluster)/")
    }
    public static func update(_ id: String, of cluster: ClusterName, in cell: CellName) -> StoreKey {
        StoreKey(rawValue: "\(updates(of: cluster, in: cell))\(id)")
    }

    public static func insights(in cell: CellName) -> StoreKey { StoreKey(rawValue: "cells/\(cell)/insights/") }
    public static func insights(of cluster: ClusterName, in cell: CellName) -> StoreKey {
        StoreKey(rawValue: "cells/\(cell)/insights/\(cluster)")
    }

    public static func leader(of cell: CellName) -> StoreKey { StoreKey(rawValue: "cells/\(cell)/leader") }

    /// Held by the cluster that has this block of the address pool. Its value is the cluster's uid.
    public static func networkSlot(_ slot: Int) -> StoreKey { StoreKey(rawValue: "network-slots/\(slot)") }
    public static let networkSlots: StoreKey = "network-slots/"

    public static let principals: StoreKey = "principals/"
    public static func principal(_ name: String) -> StoreKey { StoreKey(rawValue: "principals/\(name)") }
    public static let accessKeys: StoreKey = "access-keys/"
    public static func accessKey(_ id: String) -> StoreKey { StoreKey(rawValue: "access-keys/\(id)") }

    /// Of the region's key ring: what clusters' secrets are encrypted with.
    public static let encryptionKeys: StoreKey = "encryption-keys/"
    public static func encryptionKey(_ id: String) -> StoreKey { StoreKey(rawValue: "encryption-keys/\(id)") }
}

extension Cluster: StoredResource {
    public var storeKey: StoreKey { StoreKeys.cluster(name, in: cell) }
}

extension AccessEntry: StoredResource {
    public var storeKey: StoreKey { StoreKeys.accessEntry(principalARN, of: cluster, in: cell) }
}

extension ClusterUpdate: StoredResource {
    public var storeKey: StoreKey { StoreKeys.update(id, of: cluster, in: cell) }
}

extension ClusterInsights: StoredResource {
    public var storeKey: StoreKey { StoreKeys.insights(of: cluster, in: cell) }
}
