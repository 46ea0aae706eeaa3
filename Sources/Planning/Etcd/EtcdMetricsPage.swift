/// One look at a member's `/metrics`: what its care needs of it.
public struct EtcdMetricsPage: Hashable, Sendable {
    public var hasLeader = false
    public var isLeader = false
    public var isLearner = false
    public var databaseBytes: Int64 = 0
    public var inUseBytes: Int64 = 0
    public var quotaBytes: Int64 = 0
    public var revision: Int64 = 0
    public var leaderChanges = 0
    public var fsync = LatencyHistogram()

    public init() {}

    /// Reads the page's lines that matter; the others, some thousand, are skipped by their first bytes.
    /// - Returns: nil when it is no page of etcd.
    public init?(_ page: some Sequence<UInt8>) {
        var isEtcd = false
        var line: [UInt8] = []
        line.reserveCapacity(256)
        for byte in page {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            // "etcd_"; comments begin with "#".
            if line.count > 5, line[0] == UInt8(ascii: "e"), line[4] == UInt8(ascii: "_") {
                isEtcd = true
                read(line)
            }
            line.removeAll(keepingCapacity: true)
        }
        guard isEtcd else { return nil }
    }

    private static let fsyncBucket = "etcd_disk_wal_fsync_duration_seconds_bucket{le=\""

    private mutating func read(_ line: [UInt8]) {
        guard let blank = line.lastIndex(of: UInt8(ascii: " ")) else { return }
        let name = String(decoding: line[..<blank], as: UTF8.self)
        guard let value = Double(String(decoding: line[(blank + 1)...], as: UTF8.self)) else { return }
        switch name {
        case "etcd_server_has_leader": hasLeader = value == 1
        case "etcd_server_is_leader": isLeader = value == 1
        case "etcd_server_is_learner": isLearner = value == 1
        case "etcd_server_leader_changes_seen_total": leaderChanges = Int(value)
        case "etcd_server_quota_backend_bytes": quotaBytes = Int64(value)
        case "etcd_mvcc_db_total_size_in_bytes": databaseBytes = Int64(value)
        case "etcd_mvcc_db_total_size_in_use_in_bytes": inUseBytes = Int64(value)
        case "etcd_debugging_mvcc_current_revision": revision = Int64(value)
        default:
            guard name.hasPrefix(Self.fsyncBucket) else { return }
            let bound = name.dropFirst(Self.fsyncBucket.count).dropLast(2)
            fsync.buckets.append(LatencyHistogram.Bucket(bound: bound == "+Inf" ? .infinity : Double(bound) ?? .infinity, count: value))
        }
    }
}

/// A histogram in Prometheus' form: counts of what took at most so long.
public struct LatencyHistogram: Hashable, Sendable {
    public struct Bucket: Hashable, Sendable {
        /// Seconds.
        public var bound: Double
        public var count: Double

        public init(bound: Double, count: Double) {
            self.bound = bound
            self.count = count
        }
    }

    /// In the order of their bounds; the last has none.
    public var buckets: [Bucket] = []

    public init(buckets: [Bucket] = []) { self.buckets = buckets }

    /// The time within which the share `quantile` was done, in seconds, of what came since `earlier`. Nil when nothing came.
    ///
    /// Within a bucket it is taken as evenly spread, as Prometheus' `histogram_quantile` does.
    public func quantile(_ quantile: Double, since earlier: LatencyHistogram? = nil) -> Double? {
        var counts = buckets
        // A process that started anew counts from zero.
        if let old = earlier?.buckets, old.map(\.bound) == buckets.map(\.bound), zip(old, buckets).allSatisfy({ $0.count <= $1.count }) {
            for index in counts.indices { counts[index].count -= old[index].count }
        }
        guard let total = counts.last?.count, total > 0 else { return nil }
        let rank = total * quantile
        var lower = (bound: 0.0, count: 0.0)
        for bucket in counts {
            if bucket.count >= rank {
                guard bucket.bound.isFinite else { return lower.bound }
                let inside = bucket.count - lower.count
                return inside > 0 ? lower.bound + (bucket.bound - lower.bound) * (rank - lower.count) / inside : bucket.bound
            }
            lower = (bucket.bound, bucket.count)
        }
        return lower.bound
    }
}
