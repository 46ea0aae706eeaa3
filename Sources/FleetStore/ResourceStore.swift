import FleetModel
import Foundation

/// A value of the model that the store keeps as JSON.
public protocol StoredResource: Codable, Sendable {
    var storeKey: StoreKey { get }
}

/// A resource and the revision it was read at.
public struct Stored<Value: StoredResource>: Sendable {
    public var value: Value
    public var modRevision: Int64

    public init(value: Value, modRevision: Int64) {
        self.value = value
        self.modRevision = modRevision
    }

    /// - Throws: `StoreError` (`corrupt`), naming the key.
    public init(decoding stored: StoredValue) throws {
        do {
            self.init(value: try StoreCoding.decode(Value.self, from: stored.value), modRevision: stored.modRevision)
        } catch {
            throw StoreError(.corrupt, "The stored value of '\(stored.key)' cannot be read; it was left as it is.", cause: error)
        }
    }
}

extension FleetStore {
    public func get<Value: StoredResource>(_ type: Value.Type, _ key: StoreKey) async throws -> Stored<Value>? {
        try await get(key).map { try Self.decode(type, $0) }
    }

    /// - Throws: `StoreError` (`corrupt`) when one cannot be decoded, naming its key. Nothing is deleted for that.
    public func list<Value: StoredResource>(_ type: Value.Type, prefix: StoreKey) async throws -> (items: [Stored<Value>], revision: Int64)
    {
        let snapshot = try await list(prefix: prefix)
        return (try snapshot.values.map { try Self.decode(type, $0) }, snapshot.revision)
    }

    /// - Throws: `StoreError` (`conflict`) when the key exists.
    @discardableResult
    public func create<Value: StoredResource>(
        _ value: Value, with operations: [StoreOperation] = [], if conditions: [StoreCondition] = []
    ) async throws -> Stored<Value> {
        let revision = try await commit([try .put(value)] + operations, if: [.absent(value.storeKey)] + conditions)
        return Stored(value: value, modRevision: revision)
    }

    /// - Throws: `StoreError` (`conflict`) when somebody else wrote it since.
    @discardableResult
    public func replace<Value: StoredResource>(_ old: Stored<Value>, with value: Value, and operations: [StoreOperation] = []) async throws
        -> Stored<Value>
    {
        let revision = try await commit(
            [try .put(value)] + operations, if: [.unchanged(value.storeKey, modRevision: old.modRevision)])
        return Stored(value: value, modRevision: revision)
    }

    /// Reads, changes and writes until no other writer came between. `change` returns nil for "leave it".
    /// - Returns: the resource as it is now, or nil when there is none.
    public func update<Value: StoredResource>(
        _ type: Value.Type, _ key: StoreKey, _ change: (Value) throws -> Value?
    ) async throws -> Stored<Value>? {
        while true {
            guard let old = try await get(type, key) else { return nil }
            guard let new = try change(old.value) else { return old }
            do {
                return try await replace(old, with: new)
            } catch let error as StoreError where error.code == .conflict {
                try Task.checkCancellation()
            }
        }
    }

    /// The same, beginning with what was read before: nothing is read when nobody wrote it since.
    /// - Returns: the resource as it is now, or nil when it was removed meanwhile.
    public func update<Value: StoredResource>(
        _ known: Stored<Value>, _ change: (Value) throws -> Value?
    ) async throws -> Stored<Value>? {
        guard let new = try change(known.value) else { return known }
        do {
            return try await replace(known, with: new)
        } catch let error as StoreError where error.code == .conflict {
            return try await update(Value.self, known.value.storeKey, change)
        }
    }

    public func remove<Value: StoredResource>(_ old: Stored<Value>, and operations: [StoreOperation] = []) async throws {
        try await commit(
            [.delete(old.value.storeKey)] + operations, if: [.unchanged(old.value.storeKey, modRevision: old.modRevision)])
    }

    static func decode<Value: StoredResource>(_ type: Value.Type, _ stored: StoredValue) throws -> Stored<Value> {
        try Stored(decoding: stored)
    }
}

extension StoreOperation {
    public static func put<Value: StoredResource>(_ value: Value) throws -> StoreOperation {
        .put(value.storeKey, try StoreCoding.encode(value))
    }
}

/// How resources become bytes: JSON with sorted keys and dates in seconds since 1970.
public enum StoreCoding {
    public static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .secondsSince1970
        return [UInt8](try encoder.encode(value))
    }

    public static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .secondsSince1970
        return try decoder.decode(type, from: Data(bytes))
    }
}
