/// How long things take in a simulation. Defaults are near what was measured on `local` (docs/performance.md).
public struct SimulatedTimings: Sendable {
    /// Of a call that changes something.
    public var change: Duration = .milliseconds(150)
    /// Of a call that looks, and of a probe. Zero: answers at once.
    public var look: Duration = .milliseconds(4)
    /// From the start of an etcd process to its first answer.
    public var etcdStart: Duration = .milliseconds(900)
    /// From the start of an API server, with etcd there, to `/readyz`.
    public var apiServerStart: Duration = .seconds(4)
    /// etcd's election timeout.
    public var election: Duration = .seconds(1)
    /// An API server is ready again this long after etcd has a leader again.
    public var reconnect: Duration = .milliseconds(500)
    /// Supervision restarts a crashed process after this time.
    public var restart: Duration = .seconds(1)
    /// Of the load balancer's health checks, until they count.
    public var healthCheck: Duration = .seconds(1)
    /// Until clients have left a drained API server.
    public var drain: Duration = .seconds(3)

    public init() {}

    /// From the end of etcd's or an API server's process, which ends by itself, until all is as it was.
    public var recovery: Duration { restart + max(etcdStart + election + reconnect, apiServerStart) }
}

/// How often a substrate's calls go wrong, each 0 to 1.
public struct SimulatedFaults: Hashable, Sendable {
    /// Nothing has happened.
    public var errorBefore = 0.0
    /// Half of it has happened.
    public var errorMidway = 0.0
    /// All of it has happened, but the caller is told otherwise.
    public var errorAfter = 0.0
    /// Takes up to `slowness`.
    public var slow = 0.0
    public var slowness: Duration = .seconds(80)

    public init() {}

    public static let none = SimulatedFaults()
}
