/// The store as a leader sees it: every write happens only while the leader key is still the one that this leader made.
///
/// A leader that was paused for longer than its lease finds its writes refused by the store itself, whatever it believes.
public struct GuardedStore: FleetStore {
    private let store: any FleetStore
    /// The lock, such as `cells/a/leader`.
    public let leaderKey: StoreKey
    /// The revision at which this leader made the lock; grows with every new leader.
    public let createRevision: Int64

    public init(_ store: any FleetStore, leaderKey: StoreKey, createRevision: Int64) {
        self.store = store
        self.leaderKey = leaderKey
        self.createRevision = createRevision
    }

    public func get(_ key: StoreKey) async throws -> StoredValue? { try await store.get(key) }

    public func list(prefix: StoreKey) async throws -> StoreSnapshot { try await store.list(prefix: prefix) }

    /// - Throws: `StoreError` with code `leaseLost` when another is leader now, or nobody; nothing has changed then.
    @discardableResult
    public func commit(_ operations: [StoreOperation], if conditions: [StoreCondition]) async throws -> Int64 {
        do {
            return try await store.commit(operations, if: conditions + [.held(leaderKey, createRevision: createRevision)])
        } catch let error as StoreError where error.code == .conflict {
            // Whoever retries after a conflict must not do so for ever as a deposed leader.
            guard try await store.get(leaderKey)?.createRevision == createRevision else {
                throw StoreError(.leaseLost, "'\(leaderKey)' is no longer held by this process.", cause: error)
            }
            throw error
        }
    }

    public func watch(prefix: StoreKey, from revision: Int64) -> AsyncThrowingStream<WatchEvent, any Error> {
        store.watch(prefix: prefix, from: revision)
    }

    public func grantLease(timeToLive: Duration) async throws -> StoreLease { try await store.grantLease(timeToLive: timeToLive) }

    public func keepAlive(_ lease: StoreLease) async throws { try await store.keepAlive(lease) }

    public func revoke(_ lease: StoreLease) async throws { try await store.revoke(lease) }
}
