import Crypto

/// Takes a snapshot's bytes as they come, and says at the end whether they are what etcd sent.
///
/// etcd ends a snapshot with the SHA-256 of all that came before (`server/etcdserver/api/v3rpc/maintenance.go`, `Snapshot`); a
/// database file's size is a multiple of 512.
public struct SnapshotDigest: Sendable {
    private var whole = SHA256()
    private var database = SHA256()
    private var held: [UInt8] = []
    public private(set) var size: Int64 = 0

    public init() {}

    public mutating func add(_ bytes: [UInt8]) {
        whole.update(data: bytes)
        size += Int64(bytes.count)
        held += bytes
        let excess = held.count - SHA256.byteCount
        guard excess > 0 else { return }
        database.update(data: held[..<excess])
        held.removeFirst(excess)
    }

    /// SHA-256 of everything, lower-case hexadecimal.
    public var sha256: String { Self.hexadecimal(whole.finalize()) }

    /// Nil when the snapshot is whole, else what is wrong with it.
    public var problem: String? {
        guard size > Int64(SHA256.byteCount), size % 512 == Int64(SHA256.byteCount) else {
            return "its \(size) bytes are not a database and a checksum"
        }
        return Array(database.finalize()) == held ? nil : "etcd's checksum at its end is not that of its content"
    }

    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
