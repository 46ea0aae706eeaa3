import FleetModel

extension StoreKeys {
    /// Backups outlive their cluster.
    public static func backups(in cell: CellName) -> StoreKey { StoreKey(rawValue: "cells/\(cell)/backups/") }
    public static func backups(of cluster: ClusterName, in cell: CellName) -> StoreKey {
        StoreKey(rawValue: "cells/\(cell)/backups/\(cluster)/")
    }
    public static func backup(_ id: BackupID, in cell: CellName) -> StoreKey {
        StoreKey(rawValue: "cells/\(cell)/backups/\(id.cluster)/\(id)")
    }

    /// The region's `BackupPolicy`; absent: the default one.
    public static let backupPolicy: StoreKey = "backup-policy"
}

extension Backup: StoredResource {
    public var storeKey: StoreKey { StoreKeys.backup(id, in: cell) }
}

extension BackupPolicy: StoredResource {
    public var storeKey: StoreKey { StoreKeys.backupPolicy }
}
