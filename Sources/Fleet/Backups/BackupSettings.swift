import Backups
import FleetModel
import FleetStore
import Foundation
import Substrate
import Timing

/// What taking and checking backups needs to know of its region.
public struct BackupSettings: Sendable {
    public var cell: CellName
    /// Of a region where nobody set one.
    public var defaultPolicy: BackupPolicy
    /// For snapshots on their way and scratch etcds; absolute, readable by us only.
    public var scratch: String
    /// Backups taken or checked at the same time.
    public var concurrency: Int
    /// An attempt that fails is repeated so often before the backup counts as failed.
    public var attempts: Int

    public init(cell: CellName, defaultPolicy: BackupPolicy, scratch: String, concurrency: Int = 2, attempts: Int = 3) {
        self.cell = cell
        self.defaultPolicy = defaultPolicy
        self.scratch = scratch
        self.concurrency = concurrency
        self.attempts = attempts
    }
}

extension FleetStore {
    /// The region's policy, or `fallback` when nobody set one.
    public func backupPolicy(or fallback: BackupPolicy) async throws -> BackupPolicy {
        try await get(BackupPolicy.self, StoreKeys.backupPolicy)?.value ?? fallback
    }
}
