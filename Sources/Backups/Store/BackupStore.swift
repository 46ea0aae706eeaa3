/// Bytes in order, piece by piece; single use. Answers nil at the end.
public struct ByteStream: Sendable {
    private let produce: @Sendable () async throws -> [UInt8]?

    public init(_ produce: @escaping @Sendable () async throws -> [UInt8]?) { self.produce = produce }

    /// The next piece, which may be of any size.
    public func next() async throws -> [UInt8]? { try await produce() }
}

/// An object of a backup store.
public struct StoredObject: Hashable, Sendable {
    public var name: String
    public var size: Int64

    public init(name: String, size: Int64) {
        self.name = name
        self.size = size
    }
}

/// Where the objects of backups are kept. An object is there whole or not at all.
///
/// Names are one or more parts of letters, digits, `-`, `_`, `.`, joined by `/`. Calls may be repeated; all throw `BackupError`
/// with code `storage`, and where an object is missing `notFound`.
public protocol BackupStore: Sendable {
    /// Writes an object, in place of one that has the name. Memory does not grow with its size.
    func put(_ name: String, _ bytes: ByteStream) async throws
    /// Reads an object; `receive` is called with each piece in order, and the next is read when it returns.
    func get(_ name: String, _ receive: @Sendable ([UInt8]) async throws -> Void) async throws
    /// Objects whose name begins with `prefix`, in order of names.
    func list(prefix: String) async throws -> [StoredObject]
    /// An object that is not there is fine.
    func delete(_ name: String) async throws
}

extension BackupStore {
    /// A small object whole.
    /// - Throws: `BackupError` (`damaged`) when it has more than `limit` bytes.
    public func read(_ name: String, limit: Int = 1 << 20) async throws -> [UInt8] {
        let collected = Collected()
        try await get(name) { piece in
            guard await collected.add(piece) <= limit else {
                throw BackupError(.damaged, "The object '\(name)' has more than \(limit) bytes, which it should not.")
            }
        }
        return await collected.bytes
    }

    public func put(_ name: String, bytes: [UInt8]) async throws {
        let rest = Collected(bytes)
        try await put(name, ByteStream { await rest.take() })
    }
}

private actor Collected {
    private(set) var bytes: [UInt8]
    private var isTaken = false

    init(_ bytes: [UInt8] = []) { self.bytes = bytes }

    func add(_ piece: [UInt8]) -> Int {
        bytes += piece
        return bytes.count
    }

    func take() -> [UInt8]? {
        if isTaken { return nil }
        isTaken = true
        return bytes
    }
}

/// Names become parts of paths and URLs, so both stores hold to one rule.
enum ObjectNames {
    /// - Throws: `BackupError` (`invalid`).
    static func check(_ name: String) throws {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        let isGood = parts.allSatisfy { part in
            !part.isEmpty && !part.hasPrefix(".")
                && part.utf8.allSatisfy {
                    (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || "-_.".utf8.contains($0)
                }
        }
        guard isGood, name.utf8.count <= 400 else {
            throw BackupError(.invalid, "'\(name.prefix(120))' is not the name of a backup's object.")
        }
    }
}
