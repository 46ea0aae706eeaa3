import Foundation

/// The only source of time in Slipway: wall time, monotonic time and sleep, of the system or of a simulation.
///
/// A concrete value and not an `any Clock`, because certificates need wall time and instants must compare.
public struct TimeSource: Sendable {
    private let wall: @Sendable () -> Date
    private let monotonic: @Sendable () -> Duration
    private let wait: @Sendable (Duration) async throws -> Void

    public init(
        wall: @escaping @Sendable () -> Date, monotonic: @escaping @Sendable () -> Duration,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.wall = wall
        self.monotonic = monotonic
        self.wait = sleep
    }

    /// Wall time; may jump.
    public var now: Date { wall() }

    /// Time since some fixed moment; never goes back.
    public var uptime: Duration { monotonic() }

    /// - Throws: `CancellationError` when the task is cancelled first.
    public func sleep(for duration: Duration) async throws { try await wait(duration) }

    /// The machine's own time.
    public static let system: TimeSource = {
        let clock = ContinuousClock()
        let start = clock.now
        return TimeSource(
            wall: { Date() },
            monotonic: { start.duration(to: clock.now) },
            sleep: { try await Task.sleep(for: $0, clock: clock) })
    }()
}

extension Duration {
    public var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
