import FleetModel
import Metrics

/// What `/metrics` says of the clusters' etcds.
enum EtcdCareMetrics {
    static func publish(_ cluster: ClusterName, _ report: EtcdReport) {
        for member in report.members {
            func gauge(_ name: String, _ value: Double) {
                Meter(label: "slipway_etcd_\(name)", dimensions: [("cluster", cluster.rawValue), ("member", member.name)]).set(value)
            }
            gauge("database_bytes", Double(member.databaseBytes))
            gauge("database_in_use_bytes", Double(member.inUseBytes))
            gauge("leader_changes", Double(member.leaderChanges))
            if let seconds = member.fsyncP99 { gauge("fsync_p99_seconds", seconds) }
        }
        for kind in [EtcdAlarmReport.Kind.noSpace, .corrupt] {
            Meter(label: "slipway_etcd_alarms", dimensions: [("cluster", cluster.rawValue), ("alarm", kind.rawValue)])
                .set(report.alarms.count { $0.kind == kind })
        }
        guard let check = report.hashCheck else { return }
        Meter(label: "slipway_etcd_consistent", dimensions: [("cluster", cluster.rawValue)]).set(check.result == .equal ? 1 : 0)
    }
}
