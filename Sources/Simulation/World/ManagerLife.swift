import FleetModel
import Substrate
import Synchronization
import Timing

/// Whether one manager process lives. A dead one's calls all fail, and a paused one's wait: at the border between the manager
/// and the world, where `kill -9` and a stopped machine are felt.
///
/// A pause begins at a look or a store call. Calls that change the substrate are not held up: they are taken for made already,
/// since nothing but the manager's own process makes them.
final class ManagerLife: Sendable {
    struct Killed: Error, CustomStringConvertible {
        var description: String { "this manager is dead" }
    }

    private struct State {
        var isDead = false
        var calls = 0
        var dieAtCall: Int?
        var pausedUntil: Duration = .zero
        var observed: [String: Duration] = [:]
        var views: [ClusterName: View] = [:]
        var isLeading = false
        var unseen: Set<ZoneName> = []
        var unseenUntil: Duration = .zero
    }

    /// What it held to be out of service.
    struct View: Sendable {
        var zones: Set<ZoneName> = []
        var isolated: Set<String> = []
        /// Zones that it found impaired.
        var impaired: Set<ZoneName> = []
    }

    private let state = Mutex(State())
    private let time: TimeSource
    let name: String
    /// Ends when the manager is killed.
    let death: AsyncStream<Void>
    private let deathContinuation: AsyncStream<Void>.Continuation

    init(name: String, time: TimeSource) {
        self.name = name
        self.time = time
        (death, deathContinuation) = AsyncStream.makeStream(of: Void.self)
    }

    /// Dies at the `count`-th call from now.
    func dieSoon(after count: Int) { state.withLock { $0.dieAtCall = $0.calls + max(1, count) } }

    func die() {
        state.withLock { $0.isDead = true }
        deathContinuation.finish()
    }

    func pause(for duration: Duration) { state.withLock { $0.pausedUntil = time.uptime + duration } }

    var isPaused: Bool { state.withLock { $0.pausedUntil } > time.uptime }

    /// Its own network fails towards some zones; nobody else's does.
    func loseSight(of zones: Set<ZoneName>, for duration: Duration) {
        state.withLock { ($0.unseen, $0.unseenUntil) = (zones, time.uptime + duration) }
    }

    /// Zones of which no answer comes to it.
    var unseenZones: Set<ZoneName> {
        let now = time.uptime
        return state.withLock { $0.unseenUntil > now ? $0.unseen : [] }
    }

    var isLeading: Bool { state.withLock { $0.isLeading && !$0.isDead } }
    func leads(_ isLeading: Bool) { state.withLock { $0.isLeading = isLeading } }

    var isDead: Bool { state.withLock { $0.isDead } }

    /// Every call passes here, going in.
    func enter(canPause: Bool = true) async throws {
        let isLast = state.withLock { state in
            state.calls += 1
            return state.dieAtCall.map { state.calls >= $0 } ?? false
        }
        if isLast, !isDead { die() }
        try check()
        if canPause { try await waitForResume() }
        try check()
    }

    /// And coming out: a dead one hears no answer.
    func check() throws { if isDead { throw Killed() } }

    func waitForResume() async throws {
        while true {
            let left = state.withLock { $0.pausedUntil } - time.uptime
            guard left > .zero else { return }
            try await time.sleep(for: left)
        }
    }

    /// When it last began to look at a cluster.
    func observes(_ cluster: String) {
        let now = time.uptime
        state.withLock { $0.observed[cluster] = now }
    }

    /// With what it plans what it does next.
    func plans(_ cluster: ClusterName, with view: View) { state.withLock { $0.views[cluster] = view } }

    func view(of cluster: ClusterName) -> View { state.withLock { $0.views[cluster] } ?? View() }

    func lastObserved(_ cluster: String) -> Duration { state.withLock { $0.observed[cluster] } ?? .zero }

    /// Time as this manager lives it.
    var timeSource: TimeSource {
        TimeSource(
            wall: { self.time.now }, monotonic: { self.time.uptime },
            sleep: { duration in
                try await self.time.sleep(for: duration)
                try await self.waitForResume()
            })
    }
}
