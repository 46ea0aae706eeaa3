import FleetModel
import Foundation
import Planning
import Synchronization

/// Makes of what was seen of etcd what is said of it.
struct EtcdCareReporting {
    let cluster: Cluster
    let seen: EtcdCareObservation
    let memory: EtcdCareMemory
    let now: Date

    func report() -> EtcdReport {
        var report = cluster.status.etcd ?? EtcdReport()
        report.checkedAt = now
        report.alarms = seen.alarms
        if seen.quotaBytes > 0 { report.quotaBytes = seen.quotaBytes }
        report.members = seen.wanted.compactMap { name in
            guard let page = seen.members[name] else { return nil }
            return EtcdMemberReport(
                name: name, isLeader: page.isLeader, databaseBytes: page.databaseBytes, inUseBytes: page.inUseBytes,
                fsyncP99: memory.fsyncP99(of: name, in: cluster.name, page.fsync, now: now), leaderChanges: page.leaderChanges,
                revision: page.revision)
        }
        if seen.hasQuorum {
            report.lastQuorumAt = now
            report.lastQuorumRevision = seen.voters.compactMap { seen.members[$0]?.revision }.max()
        }
        return report
    }

    /// What an operator wants to know at once is written at once; sizes and times of a quiet database every quarter of a minute, since
    /// they also say up to when a cluster that is lost later was well.
    static func isNews(_ new: EtcdReport, since old: EtcdReport?) -> Bool {
        guard let old, let then = old.checkedAt, let now = new.checkedAt else { return true }
        func gist(_ report: EtcdReport) -> [String] {
            report.members.map { "\($0.name) \($0.isLeader) \($0.leaderChanges)" } + report.alarms.map { "\($0)" }
        }
        return gist(new) != gist(old) || new.quotaBytes != old.quotaBytes || now.timeIntervalSince(then) >= 15
    }
}

/// What the care of a cell's etcds remembers from look to look. Lost with the process, which costs a look.
final class EtcdCareMemory: Sendable {
    private struct Window {
        /// Where the figures that are said begin, and where the next ones will.
        var begin: LatencyHistogram
        var middle: (histogram: LatencyHistogram, at: Date)
    }

    private struct State {
        var windows: [ClusterName: [String: Window]] = [:]
        var compactions: [ClusterName: Int64] = [:]
    }

    private let state = Mutex(State())
    /// The figures are of the last one to two of these, in seconds.
    private static let window: TimeInterval = 60

    /// - Returns: nil at the first look, and when nothing was written.
    func fsyncP99(of member: String, in cluster: ClusterName, _ histogram: LatencyHistogram, now: Date) -> Double? {
        state.withLock { state in
            guard var window = state.windows[cluster]?[member] else {
                state.windows[cluster, default: [:]][member] = Window(begin: histogram, middle: (histogram, now))
                return nil
            }
            if now.timeIntervalSince(window.middle.at) > Self.window {
                window = Window(begin: window.middle.histogram, middle: (histogram, now))
                state.windows[cluster, default: [:]][member] = window
            }
            return histogram.quantile(0.99, since: window.begin)
        }
    }

    func compacted(_ cluster: ClusterName, to revision: Int64) { state.withLock { $0.compactions[cluster] = revision } }

    /// Of the time since an alarm stands; forgotten with its end.
    func compaction(of cluster: ClusterName, isAlarmed: Bool) -> Int64? {
        state.withLock { state in
            if !isAlarmed { state.compactions[cluster] = nil }
            return state.compactions[cluster]
        }
    }

    func forget(_ cluster: ClusterName) {
        state.withLock { state in
            state.windows[cluster] = nil
            state.compactions[cluster] = nil
        }
    }
}
