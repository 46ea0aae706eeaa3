import FleetModel
import Synchronization
import Timing

/// Keeps two moments of one cluster apart that would fail requests together: while requests are held on their way to API servers, an API
/// server that ends takes the connections of who waits for idle ones, and closes them.
final class TrafficMoments: Sendable {
    private struct State {
        /// API servers that were told to end, and have not parted from their clients yet.
        var partings: [ClusterName: Int] = [:]
        /// When a hold ends by itself.
        var holds: [ClusterName: Duration] = [:]
    }

    private let state = Mutex(State())
    private let time: TimeSource

    /// Longer than either takes on a machine that is not overloaded; then both happen, as they may.
    private static let patience = Duration.seconds(4)
    private static let pause = Duration.milliseconds(10)

    init(time: TimeSource) { self.time = time }

    /// Waits until no API server of the cluster is parting; none begins to before the hold has ended.
    /// - Parameter limit: after which the hold ends by itself.
    func beginHold(of cluster: ClusterName, limit: Duration) async {
        await wait { state in
            guard state.partings[cluster, default: 0] == 0 else { return false }
            state.holds[cluster] = time.uptime + limit
            return true
        }
    }

    func endHold(of cluster: ClusterName) { state.withLock { $0.holds[cluster] = nil } }

    /// Waits until no request of the cluster is held; none is before `body` has ended.
    func part(from cluster: ClusterName, _ body: () async throws -> Void) async rethrows {
        let isAlone = await wait { state in
            guard state.holds[cluster].map({ time.uptime >= $0 }) ?? true else { return false }
            state.partings[cluster, default: 0] += 1
            return true
        }
        defer {
            if isAlone {
                state.withLock { state in
                    let left = state.partings[cluster, default: 1] - 1
                    state.partings[cluster] = left > 0 ? left : nil
                }
            }
        }
        try await body()
    }

    /// - Returns: whether it came to that, within patience.
    @discardableResult
    private func wait(_ take: (inout State) -> Bool) async -> Bool {
        let deadline = time.uptime + Self.patience
        while true {
            if state.withLock({ take(&$0) }) { return true }
            guard time.uptime < deadline, (try? await time.sleep(for: Self.pause)) != nil else { return false }
        }
    }
}
