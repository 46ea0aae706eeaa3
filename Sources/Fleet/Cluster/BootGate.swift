import FleetModel
import Synchronization
import Timing

/// Lets only so many clusters start for the first time at once, in the order in which they came.
///
/// A control plane that starts takes more than a core for seconds. More of them than there are cores take longer in sum than one
/// after the other: components give up waiting for each other and start again. Repairs never wait here.
final class BootGate: Sendable {
    private let line: Mutex<BootLine>
    private let time: TimeSource

    /// - Parameter limit: clusters that may start at once.
    init(limit: Int, time: TimeSource) {
        line = Mutex(BootLine(limit: limit))
        self.time = time
    }

    /// Whether the cluster may start now; if not, it keeps its place in the line while it goes on asking.
    func admits(_ cluster: ClusterName) -> Bool { line.withLock { $0.admits(cluster, now: time.uptime) } }

    /// The cluster has started, or is to go.
    /// - Returns: who is next in the line, when that is somebody else's turn now.
    func leave(_ cluster: ClusterName) -> ClusterName? { line.withLock { $0.leave(cluster, now: time.uptime) } }
}

/// The state of a `BootGate`. Pure.
struct BootLine: Sendable {
    let limit: Int
    /// Who starts, and since when.
    private(set) var starting: [ClusterName: Duration] = [:]
    /// Who waits, first come first.
    private(set) var waiting: [Waiting] = []

    struct Waiting: Sendable {
        var cluster: ClusterName
        var askedAt: Duration
    }

    /// A cluster that does not come up must not keep the others from starting for longer than this.
    static let patience = Duration.seconds(60)
    /// Who has not asked for this long has gone away.
    static let absence = Duration.seconds(30)

    init(limit: Int) { self.limit = max(1, limit) }

    mutating func admits(_ cluster: ClusterName, now: Duration) -> Bool {
        if starting[cluster] != nil { return true }
        if let place = waiting.firstIndex(where: { $0.cluster == cluster }) {
            waiting[place].askedAt = now
        } else {
            waiting.append(Waiting(cluster: cluster, askedAt: now))
        }
        waiting.removeAll { now - $0.askedAt > Self.absence }
        guard free(now) > 0, waiting.prefix(free(now)).contains(where: { $0.cluster == cluster }) else { return false }
        waiting.removeAll { $0.cluster == cluster }
        starting[cluster] = now
        return true
    }

    mutating func leave(_ cluster: ClusterName, now: Duration) -> ClusterName? {
        waiting.removeAll { $0.cluster == cluster }
        guard starting.removeValue(forKey: cluster) != nil, free(now) > 0 else { return nil }
        return waiting.first?.cluster
    }

    private func free(_ now: Duration) -> Int { limit - starting.values.count { now - $0 <= Self.patience } }
}
