import Synchronization

/// Keeps records in memory, for tests.
public final class MemoryAuditLog: AuditLog {
    private let state = Mutex<[AuditRecord]>([])

    public init() {}

    public var records: [AuditRecord] { state.withLock { $0 } }

    public func record(_ record: AuditRecord) { state.withLock { $0.append(record) } }
}
