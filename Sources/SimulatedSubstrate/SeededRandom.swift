/// Random numbers from a seed, the same on every machine: SplitMix64 (Steele, Lea, Flood 2014).
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// 0 to 1, without 1.
    public mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }

    public mutating func chance(_ probability: Double) -> Bool { fraction() < probability }

    /// From `low` to `high`, without `high`.
    public mutating func duration(_ low: Duration, _ high: Duration) -> Duration { low + (high - low) * fraction() }

    /// From 0 to `count`, without `count`; 0 when `count` is not positive.
    public mutating func index(_ count: Int) -> Int { count > 0 ? Int(next() % UInt64(count)) : 0 }

    public mutating func pick<C: RandomAccessCollection>(_ choices: C) -> C.Element? {
        choices.isEmpty ? nil : choices[choices.index(choices.startIndex, offsetBy: index(choices.count))]
    }

    /// A generator of its own for one purpose, so that one purpose's draws do not shift another's.
    public mutating func branch() -> SeededRandom { SeededRandom(seed: next()) }
}
