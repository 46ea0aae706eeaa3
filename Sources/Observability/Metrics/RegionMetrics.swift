import CoreMetrics

/// Slipway's own metrics: one place for their names and labels. They go to whatever `MetricsSystem` was bootstrapped with.
public enum RegionMetrics {
    /// What each says, for the page's `# HELP` lines.
    static let help = [
        "slipway_reconcile_seconds": "Duration of one look at a resource with all that was done about it.",
        "slipway_reconcile_errors_total": "Looks at a resource that failed and are tried again.",
        "slipway_queue_depth": "Resources that wait for a worker.",
        "slipway_api_request_seconds": "Duration of API requests by service, operation and HTTP status.",
        "slipway_clusters": "Clusters by their status.",
        "slipway_etcd_database_bytes": "Size of an etcd member's database file.",
        "slipway_etcd_database_in_use_bytes": "What of an etcd member's database file holds data.",
        "slipway_etcd_fsync_p99_seconds":
            "99 of 100 writes to an etcd member's log reached the disk within this time, in the last minutes.",
        "slipway_etcd_leader_changes": "Leader changes that an etcd member saw since it started.",
        "slipway_etcd_alarms": "Alarms that a cluster's etcd has raised.",
        "slipway_cluster_certificate_expiry_seconds":
            "When the first certificate of a cluster's instances ends, in seconds since 1970.",
        "slipway_etcd_consistent": "1 when all members of a cluster's etcd had the same content at the last comparison.",
    ]

    /// `slipway_reconcile_seconds{kind}` and, when it failed, `slipway_reconcile_errors_total{kind}`.
    public static func reconciled(kind: String, seconds: Double, failed: Bool) {
        Timer(label: "slipway_reconcile_seconds", dimensions: [("kind", kind)]).recordNanoseconds(nanoseconds(seconds))
        // Made also when nothing failed: an alert on its growth needs a zero to begin with.
        Counter(label: "slipway_reconcile_errors_total", dimensions: [("kind", kind)]).increment(by: failed ? 1 : 0)
    }

    /// `slipway_queue_depth{kind}`: keys that wait to be worked.
    public static func queueDepth(kind: String, _ depth: Int) {
        Meter(label: "slipway_queue_depth", dimensions: [("kind", kind)]).set(depth)
    }

    /// `slipway_api_request_seconds{service,operation,code}`. `operation` must be of a known set, never a path.
    public static func apiRequest(service: String, operation: String, code: Int, seconds: Double) {
        Timer(
            label: "slipway_api_request_seconds",
            dimensions: [("service", service), ("operation", operation), ("code", String(code))]
        ).recordNanoseconds(nanoseconds(seconds))
    }

    /// `slipway_clusters{status}`.
    public static func clusters(status: String, _ count: Int) {
        Meter(label: "slipway_clusters", dimensions: [("status", status)]).set(count)
    }

    /// `slipway_zone_health{zone}`: 1 healthy, 0 impaired, -1 not known; `slipway_zone_evacuated{zone}`: 1 or 0.
    public static func zone(_ name: String, health: Double, isEvacuated: Bool) {
        Meter(label: "slipway_zone_health", dimensions: [("zone", name)]).set(health)
        Meter(label: "slipway_zone_evacuated", dimensions: [("zone", name)]).set(isEvacuated ? 1 : 0)
    }

    private static func nanoseconds(_ seconds: Double) -> Int64 { Int64(max(0, min(seconds, 1e9)) * 1e9) }
}
