import FleetModel
import Planning
import Testing

/// How what was found is given up again.
@Suite struct ZoneRecoveryTests {
    private let a = ProbeWorld.a
    private let b = ProbeWorld.b
    private let c = ProbeWorld.c

    private func settled(clusters: Int = 1) throws -> ProbeWorld {
        let world = try ProbeWorld(clusters: clusters)
        world.run(seconds: 10)
        return world
    }

    @Test func anInstanceComesBackWhenItHasAnsweredForAWhile() throws {
        let world = try settled()
        world.behaviour = { subject, _ in subject.instance == "etcd-z-b" ? .lost : .answers(2) }
        world.run(seconds: 5)
        #expect(world.isolated() == ["etcd-z-b"])
        world.behaviour = { _, _ in .answers(2) }
        let seconds = try #require(world.seconds { $0.isolated.isEmpty })
        #expect(seconds >= 10 && seconds < 12)
    }

    @Test func anInstanceThatFlapsHasToAnswerForLonger() throws {
        let world = try settled()
        var waits: [Double] = []
        for _ in 0..<3 {
            world.behaviour = { subject, _ in subject.instance == "api-1" ? .lost : .answers(2) }
            world.run(seconds: 2)
            world.behaviour = { _, _ in .answers(2) }
            waits.append(try #require(world.seconds(limit: 100) { $0.isolated.isEmpty }))
        }
        #expect(waits[1] > 1.8 * waits[0] && waits[2] > 1.8 * waits[1])
    }

    @Test func aHiccupOfAPeerDoesNotLiftAFence() throws {
        let world = try settled()
        world.behaviour = { subject, _ in subject.instance == "etcd-z-b" ? .lost : .answers(2) }
        world.run(seconds: 5)
        let start = world.now
        world.behaviour = { subject, now in
            if subject.instance == "etcd-z-b" { return .lost }
            return subject.instance == "etcd-z-c" && now - start < .milliseconds(300) ? .answers(400) : .answers(2)
        }
        for _ in 0..<20 { #expect(world.step().isolated.count == 1) }
    }

    @Test func aFenceIsLiftedWhenItsInstanceIsNeeded() throws {
        let world = try settled()
        world.behaviour = { subject, _ in subject.instance == "etcd-z-a" ? .lost : .answers(2) }
        world.run(seconds: 5)
        // It is back, and before it is believed another fails: with both fenced off there would be no quorum.
        world.behaviour = { subject, _ in subject.instance == "etcd-z-b" ? .lost : .answers(2) }
        world.run(seconds: 3)
        #expect(!world.isolated().contains("etcd-z-a") || !world.isolated().contains("etcd-z-b"))
        world.run(seconds: 15)
        #expect(world.isolated() == ["etcd-z-b"])
    }

    @Test func oneThatHasFlappedIsBackSoonerWhenAnotherFails() throws {
        let world = try settled()
        for _ in 0..<3 {
            world.behaviour = { subject, _ in subject.instance == "etcd-z-a" ? .lost : .answers(2) }
            world.run(seconds: 2)
            world.behaviour = { _, _ in .answers(2) }
            world.run(seconds: 4)
        }
        #expect(world.isolated() == ["etcd-z-a"])
        world.behaviour = { subject, _ in subject.instance == "etcd-z-b" ? .lost : .answers(2) }
        let seconds = try #require(world.seconds(limit: 60) { $0.isolated.values.contains(["etcd-z-b"]) })
        #expect(seconds < 8)
    }

    @Test func aDeadInstanceThatIsWorkedOnStaysFenced() throws {
        let world = try settled()
        world.behaviour = { subject, _ in subject.instance == "etcd-z-b" ? .lost : .answers(2) }
        world.run(seconds: 2)
        world.underWork = { subject, now in subject.instance == "etcd-z-b" && Int(now.components.seconds) % 2 == 0 }
        for _ in 0..<40 { #expect(world.step().isolated.count == 1) }
    }

    @Test func aZoneIsHealthyAgainWhenAllOfItIsBelieved() throws {
        let world = try settled(clusters: 2)
        let zone = a
        world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
        world.run(seconds: 5)
        world.behaviour = { _, _ in .answers(2) }
        let seconds = try #require(world.seconds { $0.zones[zone]?.health == .healthy })
        #expect(seconds >= 14 && seconds < 18)
        world.run(seconds: 10)
        #expect(try #require(world.last.zones[a]).lasts >= .seconds(9))
    }

    @Test func anAPIServerThatCannotStartBehindItsFenceDoesNotKeepItsZoneOut() throws {
        let world = try settled()
        let zone = a
        world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
        world.run(seconds: 5)
        #expect(world.health(a) == .impaired([.unreachable]))
        world.behaviour = { subject, _ in subject.zone == zone && subject.role == .apiServer ? .refused : .answers(2) }
        let seconds = try #require(world.seconds { $0.zones[zone]?.health == .healthy })
        #expect(seconds < 20)
    }

    /// What is retired while its zone is out takes what is remembered of it along, whether something else is left there or not.
    @Test(arguments: [true, false]) func whatIsRetiredMeanwhileDoesNotKeepItsZoneOut(wasHeardAgain: Bool) throws {
        for leavesMember in [true, false] {
            let (world, zone) = (try settled(), a)
            world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
            world.run(seconds: 5)
            #expect(world.health(a) == .impaired([.unreachable]))
            if wasHeardAgain {
                world.behaviour = { _, _ in .answers(2) }
                world.run(seconds: 2)
            }
            // It is ended, and then nobody is there; at last it is no more in the list of those that are asked.
            let leaving = Set(world.subjects.filter { $0.zone == zone && !(leavesMember && $0.role == .etcd) })
            world.underWork = { subject, _ in leaving.contains(subject) }
            world.behaviour = { subject, _ in leaving.contains(subject) ? .lost : .answers(2) }
            world.run(seconds: 3)
            world.subjects.removeAll { leaving.contains($0) }
            let wanted: ZoneHealth = leavesMember ? .healthy : .unknown
            #expect(world.seconds(limit: 40) { $0.zones[zone]?.health == wanted } != nil, "leaves its member: \(leavesMember)")
            #expect(world.last.zones[a]?.isEmpty == !leavesMember)
        }
    }

    /// In a zone that is out of service nobody starts it, so that it would keep its zone out for ever.
    @Test func whatIsStoppedDoesNotKeepItsZoneOut() throws {
        let world = try settled()
        let zone = a
        world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
        world.run(seconds: 5)
        #expect(world.health(a) == .impaired([.unreachable]))
        world.knownStopped = Set(world.subjects.filter { $0.zone == zone && $0.role == .etcd })
        world.behaviour = { subject, _ in subject.zone == zone && subject.role == .etcd ? .lost : .answers(2) }
        let seconds = try #require(world.seconds { $0.zones[zone]?.health == .healthy })
        #expect(seconds < 20)
    }

    /// Then only taking it back tells how it is.
    @Test func aFailedZoneInWhichNothingRunsIsNotHeldToBeFailedForEver() throws {
        let world = try settled()
        let zone = a
        world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
        world.run(seconds: 5)
        world.knownStopped = Set(world.subjects.filter { $0.zone == zone })
        world.run(seconds: 20)
        #expect(world.health(a) == .impaired([.unreachable]))
        world.run(seconds: 20)
        #expect(world.health(a) == .unknown)
        #expect(world.last.zones[a]?.isEmpty == true)
        // What runs and does not answer speaks against it at once.
        world.knownStopped = []
        world.run(seconds: 2)
        #expect(world.health(a) == .impaired([.unreachable]))
    }

    /// A cluster that is not whole without the zone is worked on for as long as the zone is out.
    @Test func whatIsWorkedOnAndAnswersDoesNotKeepItsZoneOut() throws {
        let world = try settled()
        let zone = a
        world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
        world.run(seconds: 5)
        world.subjects.removeAll { $0.zone == zone && $0.role == .etcd }
        world.subjects = world.subjects.map { subject in
            var new = subject
            if subject.zone == zone { new.instance = "api-9" }
            return new
        }
        world.underWork = { subject, _ in subject.zone == zone }
        world.behaviour = { subject, _ in subject.zone == zone ? .lost : .answers(2) }
        world.run(seconds: 40)
        #expect(world.health(a)?.isImpaired == true)
        world.behaviour = { _, _ in .answers(2) }
        #expect(world.seconds(limit: 40) { $0.zones[zone]?.health == .unknown && $0.zones[zone]?.isEmpty == true } != nil)
    }

    @Test func aFlappingZoneStaysImpaired() throws {
        let world = try settled(clusters: 2)
        let (zone, start) = (a, world.now)
        world.behaviour = { subject, now in
            subject.zone == zone && Int((now - start).components.seconds) % 12 < 4 ? .lost : .answers(2)
        }
        world.run(seconds: 2)
        for _ in 0..<400 { #expect(world.step().zones[zone]?.health.isImpaired == true) }
    }

    @Test func aLossyInstanceIsIsolatedUntilNothingIsLost() throws {
        let world = try settled()
        world.behaviour = { subject, _ in subject.instance == "etcd-z-c" ? .lossy(30) : .answers(2) }
        #expect(world.seconds(limit: 15) { !$0.isolated.isEmpty } != nil)
        var out = 0
        for _ in 0..<240 where world.step().isolated.values.contains(["etcd-z-c"]) { out += 1 }
        #expect(out >= 230)
        world.behaviour = { _, _ in .answers(2) }
        #expect(world.seconds(limit: 320) { $0.isolated.isEmpty } != nil)
    }

    @Test func aSecondZoneIsFoundWhileTheFirstIsStillOut() throws {
        let world = try settled(clusters: 2)
        let (first, second) = (a, b)
        world.behaviour = { subject, _ in subject.zone == first ? .lost : .answers(2) }
        world.run(seconds: 20)
        world.behaviour = { subject, _ in subject.zone == first || subject.zone == second ? .lost : .answers(2) }
        world.run(seconds: 5)
        #expect(world.last.scope == .zones([a, b]))
        #expect(!world.isolated().contains("etcd-z-b"))
    }
}
