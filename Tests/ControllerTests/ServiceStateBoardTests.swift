import Fleet
import FleetModel
import Testing

@Suite struct ServiceStateBoardTests {
    private let board = ServiceStateBoard()
    private let zone = ZoneName(rawValue: "local-1b")

    @Test func anEvacuatedZoneConcernsEveryClusterThatWasLookedUp() async throws {
        let (one, two) = (try ClusterName("one"), try ClusterName("two"))
        #expect(board.view(of: one).evacuatedZones.isEmpty)
        var changes = board.changes.makeAsyncIterator()
        board.set(evacuated: [zone], isolated: [:])
        #expect(await changes.next() == [one])
        #expect(board.view(of: two).evacuatedZones == [zone])
        board.set(evacuated: [], isolated: [:])
        #expect(await changes.next() == [one, two])
        #expect(board.view(of: one).evacuatedZones.isEmpty)
    }

    @Test func anIsolatedInstanceConcernsItsOwnClusterAndSayingItAgainConcernsNobody() async throws {
        let (one, two) = (try ClusterName("one"), try ClusterName("two"))
        _ = (board.view(of: one), board.view(of: two))
        var changes = board.changes.makeAsyncIterator()
        board.set(evacuated: [], isolated: [one: ["api-1"]])
        board.set(evacuated: [], isolated: [one: ["api-1"]])
        board.set(evacuated: [], isolated: [one: ["api-1"], two: ["etcd-local-1a"]])
        #expect(await changes.next() == [one])
        #expect(await changes.next() == [two])
        #expect(board.view(of: one).isolated == ["api-1"])
        #expect(board.view(of: two).isolated == ["etcd-local-1a"])
    }

    @Test func anImpairedZoneConcernsEverybodyUntilTheyHaveLeftIt() async throws {
        let (one, two) = (try ClusterName("one"), try ClusterName("two"))
        _ = (board.view(of: one), board.view(of: two))
        var changes = board.changes.makeAsyncIterator()
        board.set(evacuated: [], isolated: [:], impaired: [zone])
        #expect(await changes.next() == [one, two])
        #expect(board.view(of: one).impairedZones == [zone])
        board.set(evacuated: [zone], isolated: [:], exempt: [two], impaired: [zone])
        #expect(board.view(of: one).impairedZones.isEmpty)
        #expect(board.view(of: two).impairedZones == [zone])
    }

    @Test func anExemptClusterSeesNoEvacuation() async throws {
        let (one, two) = (try ClusterName("one"), try ClusterName("two"))
        _ = (board.view(of: one), board.view(of: two))
        board.set(evacuated: [zone], isolated: [two: ["api-2"]], exempt: [two])
        #expect(board.view(of: one).evacuatedZones == [zone])
        #expect(board.view(of: two).evacuatedZones.isEmpty)
        #expect(board.view(of: two).isolated == ["api-2"])
        var changes = board.changes.makeAsyncIterator()
        board.set(evacuated: [zone], isolated: [two: ["api-2"]])
        #expect(await changes.next() == [two])
    }

    @Test func eachReaderHasAStreamOfItsOwnAndOneThatHasGoneIsForgotten() async throws {
        let one = try ClusterName("one")
        do { _ = board.changes }
        var (first, second) = (board.changes.makeAsyncIterator(), board.changes.makeAsyncIterator())
        board.set(evacuated: [], isolated: [one: ["api-1"]])
        #expect(await first.next() == [one])
        #expect(await second.next() == [one])
    }
}
