import FleetModel
import Planning
import Substrate
import Testing

/// What must not be found.
@Suite struct ZoneFalseAlarmTests {
    private let a = ProbeWorld.a
    private let b = ProbeWorld.b
    private let c = ProbeWorld.c

    private func settled(clusters: Int = 1) throws -> ProbeWorld {
        let world = try ProbeWorld(clusters: clusters)
        world.run(seconds: 10)
        return world
    }

    private static func spread(_ subject: ProbeSubject, _ now: Duration) -> Int {
        var hash: UInt64 = 1469
        for byte in "\(subject)\(now)".utf8 { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
        return Int((hash >> 20) % 1000)
    }

    @Test(arguments: [1, 3]) func fullLoadMakesEverythingSlowAndNothingSuspicious(clusters: Int) throws {
        let world = try settled(clusters: clusters)
        // Seconds here and there, in every zone.
        world.behaviour = { subject, now in
            let number = Self.spread(subject, now)
            return .answers(number < 100 ? 1500 : number < 400 ? 400 : 60)
        }
        let anybody = world.subjects[0]
        world.lateness = { now in Self.spread(anybody, now + .seconds(1)) < 200 ? 400 : 30 }
        #expect(world.isQuiet(seconds: 240))
    }

    @Test func theOnsetOfLoadIsNotAFailure() throws {
        let world = try settled()
        let start = world.now
        world.behaviour = { subject, now in now - start < .seconds(4) ? .answers(3000 + Self.spread(subject, now)) : .answers(500) }
        #expect(world.isQuiet(seconds: 30))
    }

    @Test func aProcessThatWasNotLetRunBlamesNobody() throws {
        for milliseconds in [600, 1500, 5000, 3_600_000] {
            let world = try settled()
            let start = world.now
            // Each question of before waits, because nobody read the answers.
            world.behaviour = { subject, now in now - start < .milliseconds(300) ? .answers(milliseconds + 100) : .answers(2) }
            world.lateness = { now in now - start == .milliseconds(250) ? milliseconds : 0 }
            #expect(world.isQuiet(seconds: 10), "\(milliseconds)")
        }
    }

    @Test func youngInstancesDoNotCount() throws {
        let world = try ProbeWorld(clusters: 2)
        let zone = a
        // They have never answered.
        world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
        #expect(world.isQuiet(seconds: 60))
        #expect(world.health(a) == .unknown)
    }

    @Test func whatWasReadyBeforeCountsAtOnce() throws {
        let world = try ProbeWorld(clusters: 2)
        world.knownReady = Set(world.subjects)
        let zone = a
        world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
        #expect(try #require(world.seconds { $0.zones[zone]?.health.isImpaired == true }) <= 1.51)
    }

    /// An API server that was killed and is started again by its supervision, with much to read: it takes questions and lets them
    /// wait, for seconds at a time. Fenced off it could not read anything.
    @Test func whoStartsAgainMayLetWait() throws {
        let world = try settled()
        let start = world.now
        let victim = try #require(world.subjects.first { $0.role == .apiServer })
        // The store may not have heard of its end.
        world.knownReady = Set(world.subjects)
        world.behaviour = { subject, now in
            guard subject == victim, now - start < .seconds(40) else { return .answers(2) }
            if now - start < .seconds(1) { return .refused }
            return (now - start).components.seconds % 10 < 5 ? .answers(20) : .frozen
        }
        #expect(world.isQuiet(seconds: 60))
        // Now it counts again.
        world.behaviour = { subject, _ in subject == victim ? .frozen : .answers(2) }
        #expect(world.seconds(limit: 3) { !$0.isolated.isEmpty } != nil)
    }

    /// An API server is refused for a second, and then does this for ever.
    private func restarted(into behaviour: ProbeWorld.Behaviour) throws -> ProbeWorld {
        let world = try settled()
        let start = world.now
        let victim = try #require(world.subjects.first { $0.role == .apiServer })
        world.behaviour = { subject, now in
            guard subject == victim else { return .answers(2) }
            return now - start < .seconds(1) ? .refused : behaviour
        }
        return world
    }

    /// It never answers: no start lets wait for so long.
    @Test func whoStartsAgainAndStopsIsFound() throws {
        let world = try restarted(into: .frozen)
        #expect(world.isQuiet(seconds: 14))
        #expect(world.seconds(limit: 5) { !$0.isolated.isEmpty } != nil)
    }

    /// It starts, and its machine goes: that it does not acknowledge anything tells.
    @Test func whoStartsAgainAndIsCutOffIsFound() throws {
        let world = try restarted(into: .lost)
        #expect(world.seconds(limit: 4) { !$0.isolated.isEmpty } != nil)
    }

    @Test func workInAZoneIsNotItsFailure() throws {
        let world = try settled(clusters: 3)
        let (zone, start) = (a, world.now)
        world.underWork = { subject, now in subject.zone == zone && now - start < .seconds(20) }
        world.behaviour = { subject, now in subject.zone == zone && now - start < .seconds(22) ? .lost : .answers(2) }
        #expect(world.isQuiet(seconds: 60))
    }

    @Test func instancesThatGoAreForgotten() throws {
        let world = try settled(clusters: 2)
        let gone = world.subjects.filter { $0.zone == a }
        world.subjects.removeAll { gone.contains($0) }
        #expect(world.isQuiet(seconds: 20))
        #expect(world.health(a) == .unknown)
    }

    @Test func aBrokenClusterIsNotAZone() throws {
        let world = try settled(clusters: 3)
        world.behaviour = { subject, _ in subject.cluster.rawValue == "c2" ? .frozen : .answers(2) }
        #expect(world.isQuiet(seconds: 60))
        // Its instances of one zone only.
        let other = try settled(clusters: 3)
        let zone = b
        other.behaviour = { subject, _ in subject.cluster.rawValue == "c1" && subject.zone == zone ? .lost : .answers(2) }
        other.run(seconds: 30)
        #expect(other.isolated() == ["etcd-z-b", "api-2"])
        #expect(other.health(b) == .healthy)
    }

    @Test func withOneClusterOnlyOneKindOfInstanceIsNotAZone() throws {
        for role in [InstanceRole.etcd, .apiServer] {
            let world = try settled()
            let zone = a
            world.behaviour = { subject, _ in subject.zone == zone && subject.role == role ? .lost : .answers(2) }
            world.run(seconds: 30)
            #expect(world.health(a)?.isImpaired == false)
            #expect(world.isolated().count == 1)
        }
    }

    @Test func twoZonesAtOnceAreNotTakenForOne() throws {
        for clusters in [1, 3] {
            let world = try settled(clusters: clusters)
            let healthy = c
            world.behaviour = { subject, _ in subject.zone == healthy ? .answers(2) : .lost }
            world.run(seconds: 10)
            #expect(world.last.scope == .zones([a, b]))
            #expect(!world.isolated().contains { $0.hasPrefix("etcd") })
        }
    }

    @Test func everythingAtOnceIsNobodysFault() throws {
        let world = try settled(clusters: 3)
        world.behaviour = { _, _ in .lost }
        #expect(world.isQuiet(seconds: 30))
        #expect(world.last.scope == .everything)
        world.behaviour = { _, _ in .answers(2) }
        #expect(world.isQuiet(seconds: 30))
        #expect(world.last.scope == .fine)
    }

    @Test func whenOthersReachEverythingItIsSlipwayThatIsCutOff() throws {
        let world = try settled(clusters: 2)
        world.behaviour = { _, _ in .lost }
        world.backend = { _, _ in .passing }
        #expect(world.isQuiet(seconds: 30))
        #expect(world.last.scope == .cutOff)
    }

    @Test func anAPIServerWithMoreWorkIsNotASlowZone() throws {
        let world = try settled()
        world.behaviour = { subject, _ in .answers(subject.instance == "api-1" ? 600 : 5) }
        #expect(world.isQuiet(seconds: 60))
    }
}
