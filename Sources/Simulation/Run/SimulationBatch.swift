import FleetModel
import Foundation
import Synchronization

/// Many seeds, on several threads.
public struct SimulationBatch: Sendable {
    public var seeds: Range<UInt64>
    public var options: SimulationOptions
    /// Threads. A simulation uses one.
    public var workers: Int

    public init(
        seeds: Range<UInt64>, options: SimulationOptions = SimulationOptions(), workers: Int = ProcessInfo.processInfo.activeProcessorCount
    ) {
        self.seeds = seeds
        self.options = options
        self.workers = max(1, workers)
    }

    /// What came out of all of them.
    public struct Outcome: Sendable {
        public var passed = 0
        /// With their traces, by seed.
        public var failed: [SimulationReport] = []
        public var requests = 0
        public var faults = 0
        public var kills = 0
        public var changes = 0
        /// How updates have ended.
        public var updates: [ClusterUpdate.Status: Int] = [:]

        /// For people: "12 updates (5 Successful, 7 Failed)".
        public var updateText: String {
            let parts = updates.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.value) \($0.key.rawValue)" }
            return "\(updates.values.reduce(0, +)) updates (\(parts.joined(separator: ", ")))"
        }

        mutating func add(_ report: SimulationReport) {
            requests += report.requests
            faults += report.faults
            kills += report.kills
            changes += report.changes
            updates.merge(report.updates, uniquingKeysWith: +)
            if report.hasPassed { passed += 1 } else { failed.append(report) }
        }
    }

    /// - Parameters:
    ///   - maximumFailures: stop after as many failing seeds.
    ///   - progress: called after each seed, from any thread.
    public func run(
        maximumFailures: Int = .max, progress: @escaping @Sendable (SimulationReport) -> Void = { _ in }
    ) async -> Outcome {
        let progressing = Progress(seeds: seeds, maximumFailures: maximumFailures)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<workers {
                group.addTask {
                    await onThread {
                        while let seed = progressing.next() {
                            let report = SimulationRun(seed: seed, options: options).run()
                            progressing.add(report)
                            progress(report)
                        }
                    }
                }
            }
        }
        return progressing.outcome
    }

    /// Which seeds are done.
    private final class Progress: Sendable {
        private let state: Mutex<(left: Range<UInt64>, outcome: Outcome)>
        private let maximumFailures: Int

        init(seeds: Range<UInt64>, maximumFailures: Int) {
            self.state = Mutex((seeds, Outcome()))
            self.maximumFailures = maximumFailures
        }

        func next() -> UInt64? {
            state.withLock { state in
                state.outcome.failed.count < maximumFailures ? state.left.popFirst() : nil
            }
        }

        func add(_ report: SimulationReport) { state.withLock { $0.outcome.add(report) } }

        var outcome: Outcome {
            var outcome = state.withLock { $0.outcome }
            outcome.failed.sort { $0.seed < $1.seed }
            return outcome
        }
    }
}

/// Runs blocking work on a thread of its own, away from the threads that tasks share.
func onThread<T: Sendable>(_ body: @escaping @Sendable () -> T) async -> T {
    await withCheckedContinuation { continuation in
        let thread = Thread { continuation.resume(returning: body()) }
        thread.stackSize = 8 << 20
        thread.start()
    }
}

extension SimulationBatch {
    /// The reports of all seeds, in order, on one thread.
    public func reports() async -> [SimulationReport] {
        await onThread { seeds.map { SimulationRun(seed: $0, options: options).run() } }
    }
}
