/// How long to wait after the n-th failure in a row: doubles from `base` to `cap`, with jitter.
///
/// | failures | base 0.2 s, cap 30 s, without jitter |
/// |---|---|
/// | 1 | 0.2 s |
/// | 4 | 1.6 s |
/// | 8 | 25.6 s |
/// | 9 and more | 30 s |
public struct Backoff: Sendable {
    /// Seconds.
    public var base: Double
    /// Seconds.
    public var cap: Double

    public init(base: Double = 0.2, cap: Double = 30) {
        self.base = base
        self.cap = cap
    }

    /// - Parameters:
    ///   - failures: 1 or more.
    ///   - jitter: 0 to 1; the delay is between half of the table's value and all of it.
    public func delay(afterFailures failures: Int, jitter: Double) -> Duration {
        var seconds = base
        for _ in 1..<max(2, min(failures, 64)) where failures > 1 { seconds = min(cap, seconds * 2) }
        return .seconds(min(cap, seconds) * (0.5 + 0.5 * min(1, max(0, jitter))))
    }
}
