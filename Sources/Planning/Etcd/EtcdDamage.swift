/// Tells from etcd's last words whether its own data is why it cannot run. Other reasons (an address in use, a full disk, a
/// certificate) say nothing about the data, and what is not known counts as none of it.
enum EtcdDamage {
    /// Parts of messages of etcd 3.4 to 3.6 and of its database, bbolt.
    private static let signs = [
        // server/storage/wal, walpb
        "crc mismatch", "wal: ", "walpb: ", "failed to read WAL", "failed to open WAL", "failed to find database snapshot",
        // server/etcdserver/api/snap
        "snap: ", "failed to recover v3 backend", "failed to recover from snapshot", "failed to load snapshot",
        // bbolt
        "invalid database", "checksum error", "freepages:", "freelist", "already freed", "assertion failed", "unexpected fault address",
        "file size too small", "page type", "invalid freelist page", "unknown page flags", "invalid page type",
        // raft: its log is shorter than what it has promised
        "is out of range [lastIndex",
        // the data directory is empty, or another member's
        "has already been bootstrapped", "permanently removed from the cluster", "the member has been removed",
    ]

    static func isData(_ lastWords: String) -> Bool { signs.contains { lastWords.contains($0) } }
}
