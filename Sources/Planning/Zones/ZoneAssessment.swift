import FleetModel

/// What all views together say at one moment.
public struct ZoneAssessment: Hashable, Sendable {
    /// How far a failure reaches.
    public enum Scope: Hashable, Sendable {
        case fine
        /// Processes that are down, and say so by resets: nobody waits for them.
        case components([ProbeSubject])
        /// Single instances, dead without resets.
        case instances([ProbeSubject])
        case zone(ZoneName)
        /// More than one zone, and not all: no quorum to save by taking one out.
        case zones([ZoneName])
        case everything
        /// Others reach what Slipway does not: the failure is on its own side.
        case cutOff
    }

    public var scope: Scope
    public var zones: [ZoneName: ZoneFinding]
    /// Instances to be fenced by themselves, by cluster.
    public var isolated: [ClusterName: Set<String>]
    /// What ails each instance that is dead, or not believed again yet.
    public var out: [ProbeSubject: ZoneFailure]

    public init(
        scope: Scope, zones: [ZoneName: ZoneFinding], isolated: [ClusterName: Set<String>], out: [ProbeSubject: ZoneFailure] = [:]
    ) {
        self.scope = scope
        self.zones = zones
        self.isolated = isolated
        self.out = out
    }
}

/// How a zone is.
public struct ZoneFinding: Hashable, Sendable {
    public var health: ZoneHealth
    /// For people, one sentence each.
    public var evidence: [String]
    /// How long the health has been what it is.
    public var lasts: Duration
    /// Nothing is there by which it could be judged.
    public var isEmpty: Bool

    public init(health: ZoneHealth, evidence: [String], lasts: Duration, isEmpty: Bool = false) {
        self.health = health
        self.evidence = evidence
        self.lasts = lasts
        self.isEmpty = isEmpty
    }
}
