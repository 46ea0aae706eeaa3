import FleetModel
import Foundation

/// A cluster's etcd, for people.
enum EtcdText {
    static func lines(_ etcd: EtcdReport, now: Date) -> [String] {
        let table = TextTable(
            header: ["ETCD", "DATABASE", "IN USE", "FSYNC P99", "LEADER CHANGES", "REVISION", "DEFRAGMENTED"],
            rows: etcd.members.map { member in
                [
                    member.name, mebibytes(member.databaseBytes), mebibytes(member.inUseBytes),
                    member.fsyncP99.map { String(format: "%.1f ms", $0 * 1000) } ?? "-", "\(member.leaderChanges)", "\(member.revision)",
                    etcd.lastDefragmentation[member.name].map { "\(age($0, now)) ago" } ?? "never",
                ]
            })
        var lines = [table.text]
        if let quota = etcd.quotaBytes { lines.append("Quota:     \(mebibytes(quota))") }
        if let check = etcd.hashCheck {
            let result =
                switch check.result {
                case .equal: "equal on \(check.members.count) members"
                case .different: "different: \(etcd.corruptMembers.sorted().joined(separator: ", "))"
                case .undecided: "no majority has the same"
                }
            lines.append("Contents:  \(result) (revision \(check.revision), \(age(check.at, now)) ago)")
        }
        lines += etcd.alarms.map { "Alarm:     \($0.kind.rawValue)\($0.member.map { " of \($0)" } ?? "")" }
        return lines
    }

    private static func mebibytes(_ bytes: Int64) -> String { String(format: "%.1f MiB", Double(bytes) / 1_048_576) }

    private static func age(_ date: Date, _ now: Date) -> String { Durations.text(now.timeIntervalSince(date)) }
}
