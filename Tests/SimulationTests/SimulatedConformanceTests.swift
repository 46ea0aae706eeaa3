import FleetModel
import SimulatedSubstrate
import Simulation
import SlipwayTesting
import Substrate
import Synchronization
import Testing
import Timing

/// The simulated substrate passes the suite that the real ones pass.
@Suite struct SimulatedConformanceTests {
    @Test(arguments: SubstrateConformance.allCases)
    func conforms(to rule: SubstrateConformance) throws {
        let clock = VirtualTime()
        let time = clock.source
        let pool = try IPv4Block("100.66.0.0/16")
        let surroundings = SubstrateConformance.Surroundings(
            substrate: SimulatedSubstrate(time: time, seed: 1),
            clusters: [
                (try ClusterName("one"), try ClusterNetwork(pool: pool, slot: 0)),
                (try ClusterName("two"), try ClusterNetwork(pool: pool, slot: 1)),
            ],
            component: { ComponentSpec(kind: $0, artifact: Artifact(name: $0.rawValue, sha256: "", size: 0), arguments: []) },
            pause: { try await time.sleep(for: .milliseconds(50)) })
        let failure = Failure()
        let end = SimulationExecutor().run(time: clock, limit: .seconds(600)) {
            do { try await rule.check(surroundings) } catch { failure.set("\(error)") }
        }
        #expect(end == .finished)
        #expect(failure.text == nil)
    }
}

private final class Failure: Sendable {
    private let state = Mutex<String?>(nil)
    var text: String? { state.withLock { $0 } }
    func set(_ text: String) { state.withLock { $0 = text } }
}
