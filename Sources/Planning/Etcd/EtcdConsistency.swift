import FleetModel

/// What a member says its content up to a revision hashes to.
public struct EtcdHashSample: Hashable, Sendable {
    public var member: String
    public var hash: UInt32
    /// Hashes compare only when this is equal too.
    public var compactRevision: Int64

    public init(member: String, hash: UInt32, compactRevision: Int64) {
        self.member = member
        self.hash = hash
        self.compactRevision = compactRevision
    }
}

/// Compares hashes that all members took up to one revision. Pure.
public enum EtcdConsistency {
    public enum Verdict: Hashable, Sendable {
        case equal
        /// These differ from the majority.
        case different(Set<String>)
        /// Too few answered, or there is no majority. Why, for people.
        case undecided(String)
    }

    /// - Parameter voters: how many members vote.
    public static func verdict(_ samples: [EtcdHashSample], voters: Int) -> Verdict {
        let answered = samples.map(\.member).sorted().joined(separator: ", ")
        guard Set(samples.map(\.compactRevision)).count <= 1 else {
            return .undecided("the members were compacted to different revisions")
        }
        let groups = Dictionary(grouping: samples, by: \.hash).values.map { Set($0.map(\.member)) }
        guard let largest = groups.max(by: { $0.count < $1.count }) else { return .undecided("no member answered") }
        guard largest.count * 2 > voters else {
            return .undecided(
                groups.count > 1
                    ? "no majority of the members has the same content (\(answered))"
                    : "only \(samples.count) of \(voters) members answered")
        }
        let others = Set(samples.map(\.member)).subtracting(largest)
        return others.isEmpty ? .equal : .different(others)
    }

    /// Seconds from one comparison to the next: each member reads its whole database for it.
    ///
    /// | in use | every |
    /// |---|---|
    /// | 10 MiB | 70 s |
    /// | 1 GiB | 18 min |
    /// | 3.5 GiB and more | 1 h |
    public static func interval(inUseBytes: Int64) -> Double { min(3600, 60 + Double(inUseBytes) / 1_048_576) }
}
