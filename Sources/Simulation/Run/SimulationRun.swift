import Synchronization
import Timing

/// One simulation: the real planner, executor, queue, controllers and leader election over a simulated region, from a seed.
/// The same seed and options give the same trace, to the letter.
public struct SimulationRun: Sendable {
    public var seed: UInt64
    public var options: SimulationOptions

    public init(seed: UInt64, options: SimulationOptions = SimulationOptions()) {
        self.seed = seed
        self.options = options
    }

    /// Blocks the calling thread until the simulation has ended.
    public func run() -> SimulationReport {
        let world = SimulatedWorld(seed: seed, options: options)
        let limit = options.busy + options.patience + .seconds(600)
        let end = SimulationExecutor().run(time: world.clock, limit: limit, maximumJobs: 20_000_000) { await world.run() }
        let failure: String? =
            switch end {
            case .finished: nil
            case .deadlock: "deadlock: nobody runs and nobody sleeps"
            case .outOfTime: "the run did not end in its virtual time"
            case .outOfJobs: "somebody spins: time does not go on"
            }
        return world.report(seed: seed, failure: failure)
    }
}
