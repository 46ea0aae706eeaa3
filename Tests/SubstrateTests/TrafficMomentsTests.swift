import FleetModel
import Synchronization
import Testing
import Timing

@testable import LocalSubstrate

/// Requests are not held while an API server parts from its clients, and the other way round.
@Suite struct TrafficMomentsTests {
    private final class Log: Sendable {
        let lines = Mutex<[String]>([])
    }

    private let moments = TrafficMoments(time: .system)
    private let log = Log()

    private func note(_ what: String) { log.lines.withLock { $0.append(what) } }

    @Test func aHoldWaitsForWhoParts() async throws {
        let cluster = try ClusterName("one")
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await moments.part(from: cluster) {
                    note("parts")
                    try? await Task.sleep(for: .milliseconds(200))
                    note("has parted")
                }
            }
            group.addTask {
                while log.lines.withLock({ $0.isEmpty }) { await Task.yield() }
                await moments.beginHold(of: cluster, limit: .seconds(60))
                note("held")
            }
        }
        #expect(log.lines.withLock { $0 } == ["parts", "has parted", "held"])
    }

    @Test func whoPartsWaitsForTheHoldOfItsOwnCluster() async throws {
        let (cluster, other) = (try ClusterName("one"), try ClusterName("two"))
        await moments.beginHold(of: cluster, limit: .seconds(60))
        await moments.part(from: other) { note("another parts") }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await moments.part(from: cluster) { note("parts") } }
            group.addTask {
                try? await Task.sleep(for: .milliseconds(200))
                note("ended")
                moments.endHold(of: cluster)
            }
        }
        #expect(log.lines.withLock { $0 } == ["another parts", "ended", "parts"])
    }

    @Test func aHoldThatNobodyEndsIsOverByItself() async throws {
        let cluster = try ClusterName("one")
        await moments.beginHold(of: cluster, limit: .milliseconds(50))
        await moments.part(from: cluster) { note("parts") }
        #expect(log.lines.withLock { $0 } == ["parts"])
    }
}
