import FleetModel
import Timing

/// A key of the store, such as `cells/a/clusters/demo`. Prefixes end with `/`.
public struct StoreKey: RawRepresentable, Hashable, Sendable, Comparable, CustomStringConvertible, ExpressibleByStringLiteral {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public init(stringLiteral value: String) { self.rawValue = value }
    public var description: String { rawValue }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// A value with the revisions that etcd keeps of it.
public struct StoredValue: Hashable, Sendable {
    public var key: StoreKey
    public var value: [UInt8]
    /// The store's revision when the key was made.
    public var createRevision: Int64
    /// The store's revision when it was last written.
    public var modRevision: Int64

    public init(key: StoreKey, value: [UInt8], createRevision: Int64, modRevision: Int64) {
        self.key = key
        self.value = value
        self.createRevision = createRevision
        self.modRevision = modRevision
    }
}

/// All values under a prefix, as of one revision.
public struct StoreSnapshot: Sendable {
    public var values: [StoredValue]
    public var revision: Int64

    public init(values: [StoredValue], revision: Int64) {
        self.values = values
        self.revision = revision
    }
}

/// What must hold for a transaction to be carried out.
public enum StoreCondition: Hashable, Sendable {
    case absent(StoreKey)
    /// The key exists and was last written at this revision.
    case unchanged(StoreKey, modRevision: Int64)
    /// The key exists and was made at this revision: it is still the same lock.
    case held(StoreKey, createRevision: Int64)
}

public enum StoreOperation: Hashable, Sendable {
    case put(StoreKey, [UInt8], lease: StoreLease? = nil)
    case delete(StoreKey)
}

/// A lease: keys put with it vanish when it is not kept alive.
public struct StoreLease: Hashable, Sendable {
    public var id: Int64
    public init(id: Int64) { self.id = id }
}

/// One change, or the end of a watch's usefulness.
public enum WatchEvent: Sendable {
    case put(StoredValue)
    case delete(StoreKey, revision: Int64)
    /// History before the wanted revision is compacted away: list again and watch from there. The stream ends after it.
    case compacted(revision: Int64)
}

/// Fleet state: etcd's semantics and no more. `EtcdStore` and `MemoryStore` pass one conformance suite. Throws `StoreError`.
public protocol FleetStore: Sendable {
    func get(_ key: StoreKey) async throws -> StoredValue?
    /// In the order of keys, linearizable.
    func list(prefix: StoreKey) async throws -> StoreSnapshot
    /// Carries out all operations when all conditions hold.
    /// - Returns: the revision of the change.
    /// - Throws: `StoreError` with code `conflict` when a condition does not hold; nothing has changed then. With code
    ///   `unavailable` the change may or may not have happened.
    @discardableResult
    func commit(_ operations: [StoreOperation], if conditions: [StoreCondition]) async throws -> Int64
    /// Changes under `prefix` from `revision` (inclusive) on, in order. Reconnects and resumes by itself.
    func watch(prefix: StoreKey, from revision: Int64) -> AsyncThrowingStream<WatchEvent, any Error>
    func grantLease(timeToLive: Duration) async throws -> StoreLease
    /// - Throws: `StoreError` with code `leaseLost` when the lease has run out.
    func keepAlive(_ lease: StoreLease) async throws
    /// Keys put with it vanish at once. Done also when the calling task is cancelled.
    func revoke(_ lease: StoreLease) async throws
}

public struct StoreError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// A transaction's condition does not hold.
        case conflict
        /// The store does not answer; the outcome of a write is unknown.
        case unavailable
        case leaseLost
        /// A stored value cannot be read.
        case corrupt
        /// No room: etcd's quota (`NOSPACE`).
        case noSpace
        case failed
    }

    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { cause.map { "\(message) (\($0))" } ?? message }
}
