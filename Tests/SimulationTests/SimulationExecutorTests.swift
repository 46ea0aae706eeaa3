import Simulation
import Synchronization
import Testing
import Timing

@Suite struct SimulationExecutorTests {
    private final class Notes: Sendable {
        private let state = Mutex<[String]>([])
        var all: [String] { state.withLock { $0 } }
        func add(_ text: String) { state.withLock { $0.append(text) } }
    }

    @Test func sleepersWakeInTheOrderOfTheirDeadlines() {
        let clock = VirtualTime()
        let notes = Notes()
        let end = SimulationExecutor().run(time: clock, limit: .seconds(100)) {
            await withTaskGroup(of: Void.self) { group in
                for seconds in [3, 1, 2] {
                    group.addTask {
                        try? await clock.source.sleep(for: .seconds(seconds))
                        notes.add("\(seconds) at \(clock.now.seconds)")
                    }
                }
            }
        }
        #expect(end == .finished)
        #expect(notes.all == ["1 at 1.0", "2 at 2.0", "3 at 3.0"])
    }

    @Test func whoWaitsForNothingIsADeadlock() {
        let kept = AsyncStream<Void>.makeStream()
        let end = SimulationExecutor().run(time: VirtualTime(), limit: .seconds(100)) { for await _ in kept.stream {} }
        kept.continuation.finish()
        #expect(end == .deadlock)
    }

    @Test func timeHasALimit() {
        let clock = VirtualTime()
        let end = SimulationExecutor().run(time: clock, limit: .seconds(10)) {
            while !Task.isCancelled { try? await clock.source.sleep(for: .seconds(3)) }
        }
        #expect(end == .outOfTime)
        #expect(clock.now == .seconds(9))
    }

    @Test func spinningIsFound() {
        let end = SimulationExecutor().run(time: VirtualTime(), limit: .seconds(10), maximumJobs: 1000) {
            while !Task.isCancelled { await Task.yield() }
        }
        #expect(end == .outOfJobs)
    }
}
