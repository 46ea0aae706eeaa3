import DequeModule
import Synchronization
import Timing

/// Runs tasks one job at a time, first come first served, on the thread that calls `run`; when nobody has anything to do,
/// virtual time goes on to the next sleeper. What runs is therefore a function of its inputs alone.
///
/// It holds for structured concurrency only: an unstructured task would run elsewhere, at its own time.
public final class SimulationExecutor: TaskExecutor {
    private let jobs = Mutex(Deque<UnownedJob>())

    public init() {}

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
    }

    /// How a run ended.
    public enum End: Sendable, Equatable {
        case finished
        /// Nobody runs, nobody sleeps, and it is not finished.
        case deadlock
        /// Virtual time came to its limit first.
        case outOfTime
        /// More jobs than `maximumJobs`: somebody spins without time going on.
        case outOfJobs
    }

    /// Runs `body` to its end. Blocks the calling thread.
    /// - Parameters:
    ///   - limit: virtual time after which the run is given up.
    ///   - maximumJobs: ends a run that spins.
    public func run(
        time: VirtualTime, limit: Duration, maximumJobs: Int = .max, _ body: @escaping @Sendable () async -> Void
    ) -> End {
        let done = Flag()
        // The one unstructured task: the root of everything that runs here.
        let root = Task(executorPreference: self) {
            await body()
            done.raise()
        }
        var count = 0
        while true {
            if let job = jobs.withLock({ $0.popFirst() }) {
                job.runSynchronously(on: asUnownedTaskExecutor())
                count += 1
                if count > maximumJobs { return give(up: root, .outOfJobs) }
                continue
            }
            if done.isRaised { return .finished }
            guard let next = time.nextDeadline else { return give(up: root, .deadlock) }
            guard next <= limit else { return give(up: root, .outOfTime) }
            time.advance(to: next)
        }
    }

    /// Cancels what still runs and lets it end, as far as it does.
    private func give(up root: Task<Void, Never>, _ end: End) -> End {
        root.cancel()
        for _ in 0..<1_000_000 {
            guard let job = jobs.withLock({ $0.popFirst() }) else { break }
            job.runSynchronously(on: asUnownedTaskExecutor())
        }
        return end
    }
}

private final class Flag: Sendable {
    private let state = Mutex(false)
    var isRaised: Bool { state.withLock { $0 } }
    func raise() { state.withLock { $0 = true } }
}
