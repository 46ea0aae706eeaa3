import Fleet
import Planning
import SimulatedSubstrate

/// What a simulated region is like.
public struct SimulationOptions: Sendable {
    /// Clusters at the same time; each seed takes 1 up to this many.
    public var maximumClusters = 3
    /// For how long, in virtual time, customers and faults are at work.
    public var busy: Duration = .seconds(60)
    /// How long, in virtual time, everything may take to become as wanted once they rest.
    public var patience: Duration = .seconds(900)
    public var hasFaults = true
    /// Zones are probed, and taken out of service and back, by themselves and by hand.
    public var hasEvacuations = true
    /// For how long, in virtual time, a cluster may serve worse than if it had been left alone: planning's patience with an election,
    /// and some looks and calls that may fail and are tried again.
    public var harmPatience: Duration = .seconds(20)
    /// The planner; another one only in tests.
    public var plan: PlanFunction = { ControlPlanePlanner(policy: SimulationOptions.policy).plan($0, $1) }
    /// The executor's own check before it acts. Tests with a broken planner switch it off, so that the simulation must find it.
    public var checksInvariants = true
    public var timings = SimulatedTimings()

    public init() {}

    /// Less patient than the default, so that what it waits for happens often.
    public static var policy: PlanningPolicy {
        var policy = PlanningPolicy()
        policy.replaceUnreadyAfter = 30
        policy.update.startLimit = 25
        policy.update.limit = 240
        policy.update.bakeAfterEnd = 15
        policy.update.releaseBake = 8
        return policy
    }
}
