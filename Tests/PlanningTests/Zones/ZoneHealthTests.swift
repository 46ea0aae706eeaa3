import FleetModel
import Planning
import Substrate
import Testing

/// What is found, and how soon.
@Suite struct ZoneHealthTests {
    private let a = ProbeWorld.a
    private let b = ProbeWorld.b
    private let c = ProbeWorld.c

    /// Everything answers, for long enough to be believed.
    private func settled(clusters: Int = 1, seed: UInt64 = 1) throws -> ProbeWorld {
        let world = try ProbeWorld(clusters: clusters, seed: seed)
        world.run(seconds: 10)
        return world
    }

    @Test func aHealthyRegionIsHealthy() throws {
        let world = try settled(clusters: 3)
        for zone in ProbeWorld.zones { #expect(world.health(zone) == .healthy) }
        #expect(world.last.scope == .fine)
    }

    @Test(arguments: [1, 2, 5]) func aZoneOutOfReachIsFoundWithinASecond(clusters: Int) throws {
        let world = try settled(clusters: clusters)
        let zone = a
        world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
        let seconds = try #require(world.seconds { $0.zones[zone]?.health == .impaired([.unreachable]) })
        #expect(seconds <= 1.01)
        #expect(world.last.scope == .zone(a))
        #expect(world.last.zones[a]?.evidence.isEmpty == false)
        #expect(world.health(b) == .healthy && world.health(c) == .healthy)
    }

    /// Just made and found ready: what dies then has not answered for long, and its silence counts all the same.
    @Test(arguments: [true, false]) func aZoneThatDiesYoungIsFound(wasReady: Bool) throws {
        let (world, zone) = (try ProbeWorld(), a)
        world.underWork = { _, now in now < .seconds(5) }
        world.run(seconds: 6)
        if wasReady { world.knownReady = Set(world.subjects) }
        world.run(seconds: 0.5)
        world.knownReady = []
        world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
        let seconds = world.seconds(limit: 20) { $0.zones[zone]?.health == .impaired([.unreachable]) }
        #expect(wasReady ? seconds.map { $0 < 5 } == true : seconds == nil)
    }

    /// In a region with one cluster that was started seconds ago there is nobody to compare with who was not.
    @Test func aZoneThatDiesWhileEverythingIsNewIsFoundWithinASecond() throws {
        let (world, zone) = (try ProbeWorld(), a)
        world.behaviour = { _, now in now < .seconds(2) ? .refused : .answers(2) }
        world.run(seconds: 6)
        world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
        let seconds = try #require(world.seconds { $0.zones[zone]?.health == .impaired([.unreachable]) })
        #expect(seconds <= 1.01)
        #expect(world.health(b) == .healthy && world.health(c) == .healthy)
    }

    @Test func aFrozenZoneIsFoundWithinThreeSeconds() throws {
        let world = try settled(clusters: 2)
        let zone = b
        world.behaviour = { subject, _ in subject.zone == zone ? .frozen : .answers(3) }
        let seconds = try #require(world.seconds { $0.zones[zone]?.health == .impaired([.frozen]) })
        #expect(seconds <= 1.5)
    }

    @Test(arguments: 1...20) func aLossyZoneIsFoundWithinFifteenSeconds(seed: Int) throws {
        let zone = a
        for percent in [20, 30] {
            let lossy = try settled(seed: UInt64(seed))
            lossy.behaviour = { subject, _ in subject.zone == zone ? .lossy(percent) : .answers(2) }
            let seconds = lossy.seconds(limit: 15) { $0.zones[zone]?.health.isImpaired == true }
            #expect(seconds != nil, "\(percent)%")
            #expect(lossy.health(b) == .healthy && lossy.health(c) == .healthy)
        }
    }

    /// Long before the zone is found to be lossy, by what has to be sent again.
    @Test(arguments: 1...20) func instancesOfALossyZoneAreCutOffSoon(seed: Int) throws {
        let world = try settled(seed: UInt64(seed))
        let (zone, cluster) = (a, try ClusterName("c1"))
        let names = Set(world.subjects.filter { $0.zone == zone }.map(\.instance))
        world.behaviour = { subject, _ in subject.zone == zone ? .lossy(30) : .answers(2) }
        let seconds = try #require(world.seconds(limit: 15) { $0.isolated[cluster] == names })
        #expect(seconds <= 6, "\(names)")
    }

    @Test func aSlowZoneIsFoundWithinFifteenSeconds() throws {
        for clusters in [1, 4] {
            let world = try settled(clusters: clusters)
            let zone = a
            world.behaviour = { subject, _ in .answers(subject.zone == zone ? 400 : 20) }
            let seconds = try #require(world.seconds { $0.zones[zone]?.health == .impaired([.slow]) })
            #expect(seconds <= 15)
        }
    }

    @Test func aDeadInstanceIsIsolatedWithinThreeQuartersOfASecond() throws {
        for (instance, clusters) in [("etcd-z-a", 1), ("etcd-z-c", 1), ("api-1", 1), ("etcd-z-b", 3)] {
            let world = try settled(clusters: clusters)
            world.behaviour = { subject, _ in subject.instance == instance && subject.cluster.rawValue == "c1" ? .lost : .answers(2) }
            let seconds = try #require(world.seconds { !$0.isolated.isEmpty })
            #expect(seconds <= 0.76)
            #expect(world.isolated() == [instance] && world.last.isolated.count == 1)
            world.run(seconds: 20)
            for zone in ProbeWorld.zones { #expect(world.health(zone)?.isImpaired == false) }
            guard case .instances(let found) = world.last.scope else {
                Issue.record("\(world.last.scope)")
                return
            }
            #expect(found.map(\.instance) == [instance])
        }
    }

    @Test func aFrozenInstanceIsIsolated() throws {
        let world = try settled()
        world.behaviour = { subject, _ in subject.instance == "etcd-z-b" ? .frozen : .answers(2) }
        let seconds = try #require(world.seconds { !$0.isolated.isEmpty })
        #expect(seconds <= 1.26)
    }

    @Test func aProcessThatIsDownAndSaysSoIsAComponent() throws {
        let world = try settled()
        world.behaviour = { subject, _ in subject.instance == "etcd-z-b" ? .refused : .answers(2) }
        #expect(world.isQuiet(seconds: 30))
        guard case .components(let found) = world.last.scope else {
            Issue.record("\(world.last.scope)")
            return
        }
        #expect(found.map(\.instance) == ["etcd-z-b"])
    }

    @Test func aZoneWhoseProcessesAreAllDownIsImpairedAfterAWhile() throws {
        let world = try settled(clusters: 2)
        let zone = a
        world.behaviour = { subject, _ in subject.zone == zone ? .refused : .answers(2) }
        let seconds = try #require(world.seconds { $0.zones[zone]?.health.isImpaired == true })
        #expect(seconds > 2.5 && seconds < 4)
        #expect(world.last.isolated.isEmpty)
    }

    @Test func aZoneWithNothingButAMemberIsNotJudgedByIt() throws {
        let world = try settled()
        let zone = c
        world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
        #expect(try #require(world.seconds { !$0.isolated.isEmpty }) <= 0.76)
        world.run(seconds: 5)
        #expect(world.isolated() == ["etcd-z-c"])
        #expect(world.health(c) == .unknown)
    }

    @Test func theBalancersAreHeard() throws {
        let world = try settled()
        let zone = a
        world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
        world.backend = { subject, _ in subject.zone == zone ? .failing : .passing }
        #expect(try #require(world.seconds { $0.zones[zone]?.health.isImpaired == true }) <= 1.01)
        #expect(world.last.zones[a]?.evidence.contains { $0.contains("load balancers' own checks") } == true)
    }

    @Test func aZoneThatOnlySlipwayDoesNotReachIsLeftAlone() throws {
        let world = try settled()
        let zone = a
        world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
        world.backend = { _, _ in .passing }
        world.run(seconds: 20)
        #expect(world.health(a)?.isImpaired == false)
        #expect(!world.isolated().contains("api-1"))
        #expect(world.last.scope == .cutOff)
    }
}
