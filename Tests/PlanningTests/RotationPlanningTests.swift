import FleetModel
import Foundation
import Planning
import Substrate
import Testing

@Suite struct RotationPlanningTests {
    private let planner = RotationPlanner()

    private func spec(_ rotation: RotationIntent) throws -> ClusterSpec {
        var spec = ClusterSpec(
            controlPlane: try PlannerFixture().intent.spec, settings: ClusterSettings(roleARN: "", subnetIDs: [], creatorARN: ""))
        spec.rotation = rotation
        spec.rotation?.updateID = "u"
        spec.update = UpdateIntent(
            id: "u", startedAt: .distantPast, previous: spec.controlPlane, previousSettings: spec.settings, previousRotation: nil)
        return spec
    }

    /// Goes as far as the goal, and then, when that is asked for, to the end.
    private func run(_ parts: [RotationIntent.Part]) throws -> [ClusterSpec] {
        var spec = try spec(RotationIntent(parts: parts, present: 1))
        var seen = [spec]
        while let rotation = spec.rotation, rotation.phase != .settled {
            switch planner.step(rotation) {
            case .end: spec.rotation?.goal = .settled
            case .makeNext: planner.enter(.trusted, next: 2, &spec)
            case .enter(let phase): planner.enter(phase, &spec)
            case .settle: spec.rotation = planner.settled(rotation)
            }
            if spec.rotation?.phase != seen.last?.rotation?.phase { seen.append(spec) }
        }
        return seen
    }

    @Test func aRotationGoesFromPhaseToPhaseAndStopsBeforeAnybodyIsCutOff() throws {
        let all = RotationIntent.Part.allCases
        #expect(try run(all).compactMap { $0.rotation?.phase } == [.requested, .trusted, .issued, .served, .retiring, .settled])
        #expect(try run([.serviceAccountKey]).compactMap { $0.rotation?.phase } == [.requested, .trusted, .issued, .retiring, .settled])
        #expect(planner.step(RotationIntent(parts: all, phase: .issued, present: 1, next: 2)) == .end)
        let end = try #require(try run(all).last?.rotation)
        #expect(end == RotationIntent(parts: all, phase: .settled, goal: .settled, present: 2))
        #expect(end.use == CredentialUse(issuing: 2))
    }

    /// The rule behind the phases: of two that run side by side, each trusts what the other shows.
    @Test func neighboursTrustEachOther() throws {
        let uses = try run(RotationIntent.Part.allCases).map(\.credentialUse)
        for (before, after) in zip(uses, uses.dropFirst()) {
            for number in [after.issuing, after.outward] { #expect(before.trusted.contains(number), "\(before) meets \(after)") }
            for number in [before.issuing, before.outward] { #expect(after.trusted.contains(number), "\(after) meets \(before)") }
            #expect(after.trusted.first == after.outward, "a client that reads one certificate of the bundle reads the right one")
        }
    }

    /// Who has a kubeconfig of before can use it until the rotation is completed.
    @Test func whatClientsVerifyChangesLast() throws {
        for spec in try run([.authorities]) {
            let isBefore = [.requested, .trusted, .issued].contains(try #require(spec.rotation).phase)
            #expect(
                (spec.credentialUse.outward == 1) == isBefore
                    && spec.credentialUse.trusted.contains(1) == (isBefore || spec.rotation?.phase == .served))
        }
    }

    @Test func whatRunsIsMadeAnewWithEachPhaseThatConcernsIt() throws {
        func revisions(_ parts: [RotationIntent.Part], _ role: InstanceRole) throws -> [Int] {
            try run(parts).map { $0.controlPlane.revision(of: role) }
        }
        #expect(try revisions([.authorities], .apiServer) == [1, 2, 3, 4, 5, 5])
        #expect(try revisions([.authorities], .etcd) == [1, 2, 3, 3, 4, 4])
        #expect(try revisions([.serviceAccountKey], .apiServer) == [1, 2, 3, 4, 4])
        #expect(try revisions([.serviceAccountKey], .etcd) == [1, 1, 1, 1, 1])
        #expect(try run([.authorities]).map(\.controlPlane.trustRevision) == [0, 1, 1, 1, 2, 2])
        #expect(try run([.serviceAccountKey]).allSatisfy { $0.controlPlane.trustRevision == 0 })
    }

    /// One that is no good goes back by one phase, and no further: that one's components and this one's trust each other.
    @Test func goingBackIsByOnePhase() throws {
        let phases = try run([.authorities])
        for (before, after) in zip(phases, phases.dropFirst()) where after.rotation?.phase != .settled {
            var spec = after
            spec.revert(.init(reason: "", errorCode: "", decidedAt: .distantPast))
            #expect(spec.controlPlane == before.controlPlane)
            #expect(spec.credentialUse == before.credentialUse)
            #expect(spec.rotation?.updateID == nil)
        }
    }

    // MARK: The endpoint

    /// Its checks must trust what new API servers show before there are any.
    @Test func theEndpointIsToldOfOtherAuthorities() throws {
        var fixture = try PlannerFixture.whole()
        #expect(fixture.plan.actions.isEmpty)
        fixture.intent.spec.trustRevision = 1
        let told = fixture.plan.actions.compactMap { action in
            if case .ensureLoadBalancer(let intent) = action { intent.trustRevision } else { nil }
        }
        #expect(told == [1])
        fixture.observation.substrate.loadBalancer?.trustRevision = 1
        #expect(fixture.plan.actions.isEmpty)
    }

    // MARK: Expiry

    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func condition(days: Double?) throws -> Condition? {
        var fixture = try PlannerFixture.whole()
        fixture.change("api-1") { $0.certificatesExpireAt = days.map { now.addingTimeInterval($0 * 86_400) } }
        fixture.change("api-2") { $0.certificatesExpireAt = days.map { now.addingTimeInterval(($0 + 100) * 86_400) } }
        return ClusterStatusPlanner().status(
            ClusterStatus(), fixture.intent, fixture.observation, fixture.plan, generation: 1, now: now
        ).conditions.first { $0.kind == .certificatesValid }
    }

    @Test func thatCertificatesEndIsSaidWeeksBefore() throws {
        #expect(try condition(days: nil) == nil, "of instances that were made before it was noted nothing is said")
        #expect(try condition(days: 61)?.status == .yes)
        let soon = try #require(try condition(days: 59))
        #expect(soon.status == .no && soon.reason == "CertificatesExpiring")
        #expect(soon.message.contains("api-1") && soon.message.contains("2027-03-15"), "\(soon.message)")
        #expect(try condition(days: -1)?.reason == "CertificatesExpired")
    }

    @Test func theyAreRenewedBeforeThat() throws {
        func needsRenewal(_ days: Double) throws -> Bool {
            let instance = InstanceSummary(
                name: "api-1", role: .apiServer, zone: nil, address: try IPv4Address("100.66.0.8"), release: nil, state: "ready",
                isLeader: false, certificatesExpireAt: now.addingTimeInterval(days * 86_400))
            return CertificateExpiry([instance]).needsRenewal(now: now)
        }
        #expect(try !needsRenewal(31))
        #expect(try needsRenewal(29))
        #expect(!CertificateExpiry([]).needsRenewal(now: now))
    }
}
