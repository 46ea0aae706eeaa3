import FleetModel
import Testing

@testable import Fleet

@Suite struct BootLineTests {
    private let names = ["a", "b", "c", "d"].compactMap { try? ClusterName($0) }

    @Test func `As many as the limit start at once, and the others in the order in which they came`() {
        let line = TestedLine(limit: 2)
        #expect(names.map { line.admits($0, now: .zero) } == [true, true, false, false])
        #expect(line.leave(names[0], now: .seconds(1)) == names[2])
        #expect(!line.admits(names[3], now: .seconds(1)))
        #expect(line.admits(names[2], now: .seconds(1)))
        #expect(line.admits(names[2], now: .seconds(2)))
        #expect(line.leave(names[1], now: .seconds(2)) == names[3])
    }

    @Test func `One that does not come up keeps the others waiting for a minute at most`() {
        let line = TestedLine(limit: 1)
        #expect(line.admits(names[0], now: .zero))
        #expect(!line.admits(names[1], now: .seconds(59)))
        #expect(line.admits(names[1], now: .seconds(61)))
        #expect(line.admits(names[0], now: .seconds(62)))
        #expect(line.leave(names[0], now: .seconds(63)) == nil)
    }

    @Test func `Who has gone away is not waited for`() {
        let line = TestedLine(limit: 1)
        #expect(line.admits(names[0], now: .zero))
        #expect(!line.admits(names[1], now: .seconds(1)))
        _ = line.leave(names[0], now: .seconds(2))
        #expect(!line.admits(names[2], now: .seconds(3)))
        #expect(line.admits(names[2], now: .seconds(40)))
        #expect(line.leave(names[1], now: .seconds(41)) == nil)
    }
}

/// `#expect` cannot call what mutates.
private final class TestedLine {
    private var line: BootLine

    init(limit: Int) { line = BootLine(limit: limit) }

    func admits(_ cluster: ClusterName, now: Duration) -> Bool { line.admits(cluster, now: now) }
    func leave(_ cluster: ClusterName, now: Duration) -> ClusterName? { line.leave(cluster, now: now) }
}
