import FleetModel
import Foundation

/// What is said of a cluster's etcd: conditions out of what was seen. Pure.
public struct EtcdCareStatus: Sendable {
    public var planner: EtcdCarePlanner

    public init(planner: EtcdCarePlanner = EtcdCarePlanner()) { self.planner = planner }

    /// The conditions `EtcdHealthy` and `EtcdConsistent`, `since` as in `old` while they do not change.
    public func conditions(_ seen: EtcdCareObservation, old: [Condition], now: Date) -> [Condition] {
        [health(seen), consistency(seen)].map { kind, status, reason, message in
            let kept = old.first { $0.kind == kind && $0.status == status }
            return Condition(kind: kind, status: status, reason: reason, message: message, since: kept?.since ?? now)
        }
    }

    private typealias Draft = (Condition.Kind, Condition.Status, String, String)

    private func health(_ seen: EtcdCareObservation) -> Draft {
        func no(_ reason: String, _ message: String) -> Draft { (.etcdHealthy, .no, reason, message) }
        guard seen.hasQuorum else {
            return no("NoQuorum", "\(seen.voters.count) of \(seen.wanted.count) members follow a leader; etcd takes no writes")
        }
        if seen.has(.corrupt) {
            let differing = seen.corruptMembers.sorted().joined(separator: ", ")
            return no(
                "AlarmCorrupt",
                "etcd takes no writes: its members differ\(differing.isEmpty ? "" : " (\(differing))"); the alarm ends when all are equal again"
            )
        }
        if seen.has(.noSpace) { return no("AlarmNoSpace", noSpace(seen)) }
        if !seen.alarms.isEmpty { return no("Alarm", "etcd has raised an alarm: ask it with `etcdctl alarm list`") }
        let missing = Set(seen.wanted).subtracting(seen.voters).sorted()
        guard missing.isEmpty else {
            return no("MemberMissing", "\(missing.joined(separator: ", ")) \(missing.count == 1 ? "does" : "do") not follow the leader")
        }
        return (.etcdHealthy, .yes, "AsWanted", "all members follow \(seen.leader ?? "a leader"); no alarm stands")
    }

    private func noSpace(_ seen: EtcdCareObservation) -> String {
        let largest = seen.members.values.map(\.inUseBytes).max() ?? 0
        let quota = seen.quotaBytes
        let said =
            "etcd takes no writes: its database of \(Self.mebibytes(largest)) in use has reached its quota of \(Self.mebibytes(quota))"
        // What stays in use after compaction and defragmentation is the customer's own data.
        guard Double(largest) < Double(quota) * planner.policy.roomyShare || seen.compactedTo == nil else {
            return said
                + "; delete objects, or raise the quota with `slipway cluster resize \(seen.cluster) --etcd-quota MIB`"
        }
        return said + "; it is being compacted and defragmented, one member at a time"
    }

    private func consistency(_ seen: EtcdCareObservation) -> Draft {
        guard let check = seen.hashCheck else { return (.etcdConsistent, .unknown, "NotCompared", "the members were not compared yet") }
        if !seen.corruptMembers.isEmpty {
            let names = seen.corruptMembers.sorted().joined(separator: ", ")
            return (.etcdConsistent, .no, "ContentDiffers", "the content of \(names) differs from that of the others")
        }
        switch check.result {
        case .equal:
            return (.etcdConsistent, .yes, "HashesEqual", "\(check.members.count) members had the same content at the last comparison")
        case .different: return (.etcdConsistent, .no, "ContentDiffers", "the members' contents differ")
        case .undecided:
            return (.etcdConsistent, .unknown, "NoMajority", "no majority of the members was found to have the same content")
        }
    }

    /// `12 MiB`.
    public static func mebibytes(_ bytes: Int64) -> String { "\((bytes + (1 << 19)) >> 20) MiB" }
}
