/// etcd's limits of one transaction, by its defaults (`--max-txn-ops`, `--max-request-bytes`). Every store has them, so that
/// what works with one store works with all.
public enum StoreLimits {
    /// Operations, and conditions, in one transaction.
    public static let operations = 128
    /// Keys and values of one transaction together, in bytes; etcd's 1.5 MiB less some room for the encoding.
    public static let requestBytes = 1_536 * 1_024 - 16 * 1_024

    /// - Throws: `StoreError` with code `failed` when a transaction is too large or writes a key twice.
    public static func check(_ operations: [StoreOperation], _ conditions: [StoreCondition]) throws(StoreError) {
        guard max(operations.count, conditions.count) <= Self.operations else {
            throw StoreError(
                .failed,
                "A transaction has at most \(Self.operations) operations and conditions, not \(max(operations.count, conditions.count)).")
        }
        var bytes = 0
        var puts = Set<[UInt8]>()
        for case .put(let key, let value, _) in operations {
            bytes += key.rawValue.utf8.count + value.count
            guard puts.insert([UInt8](key.rawValue.utf8)).inserted else { throw twice(key) }
        }
        for case .delete(let key) in operations where puts.contains([UInt8](key.rawValue.utf8)) { throw twice(key) }
        guard bytes <= requestBytes else {
            throw StoreError(.failed, "A transaction has at most \(requestBytes) bytes, not \(bytes).")
        }
    }

    private static func twice(_ key: StoreKey) -> StoreError {
        StoreError(.failed, "A transaction may write '\(key)' only once.")
    }
}

extension StoreCondition {
    /// The error that a store throws when the condition does not hold.
    public var failure: StoreError {
        switch self {
        case .absent(let key): StoreError(.conflict, "'\(key)' exists already.")
        case .unchanged(let key, let revision): StoreError(.conflict, "'\(key)' was changed since revision \(revision).")
        case .held(let key, let revision): StoreError(.conflict, "'\(key)' is no longer the one made at revision \(revision).")
        }
    }
}
