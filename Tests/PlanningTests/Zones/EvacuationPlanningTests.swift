import FleetModel
import Foundation
import Planning
import Testing

@Suite struct EvacuationPlanningTests {
    private static let start = Date(timeIntervalSince1970: 1_800_000_000)
    private let a = ProbeWorld.a
    private let b = ProbeWorld.b

    private struct Case {
        var situation = EvacuationPlanner.Situation(
            zones: ProbeWorld.zones.map { .inService($0, since: start) }, policy: RegionPolicy(changedAt: start),
            findings: Dictionary(
                uniqueKeysWithValues: ProbeWorld.zones.map { ($0, ZoneFinding(health: .healthy, evidence: [], lasts: .seconds(600))) }),
            scope: .fine, clusters: [], now: start.addingTimeInterval(3600))

        var decisions: [EvacuationDecision] { EvacuationPlanner().decisions(situation) }

        mutating func impair(_ zone: ZoneName, _ failure: ZoneFailure = .unreachable, for lasts: Duration = .seconds(1)) {
            situation.findings[zone] = ZoneFinding(health: .impaired([failure]), evidence: ["it is dead"], lasts: lasts)
            situation.scope = .zone(zone)
        }

        mutating func evacuate(_ zone: ZoneName, by principal: String = "auto", ago: Double = 100) {
            guard let index = situation.zones.firstIndex(where: { $0.name == zone }) else { return }
            situation.zones[index].spec = situation.zones[index].spec.changed(
                to: .evacuated, by: principal, reason: "test", at: situation.now.addingTimeInterval(-ago))
        }
    }

    @Test func anImpairedZoneIsEvacuated() {
        var example = Case()
        #expect(example.decisions.isEmpty)
        for failure in [ZoneFailure.unreachable, .frozen, .lossy, .slow] {
            example.impair(a, failure)
            #expect(example.decisions == [.evacuate(a, reason: "it is dead")])
        }
    }

    @Test(arguments: [EvacuationPolicy.manual, .off]) func otherPoliciesDecideNothing(policy: EvacuationPolicy) {
        var example = Case()
        example.situation.policy.evacuation = policy
        example.impair(a)
        #expect(example.decisions.isEmpty)
        example.situation.findings[a]?.health = .healthy
        example.evacuate(a)
        #expect(example.decisions.isEmpty)
    }

    @Test func twoZonesAreNeverOutAtOnce() {
        var example = Case()
        example.impair(a)
        example.impair(b)
        #expect(example.decisions.isEmpty)
        var second = Case()
        second.evacuate(a)
        second.impair(a)
        second.impair(b)
        #expect(second.decisions.isEmpty)
    }

    @Test func littleEvidenceIsNotEnough() {
        for scope in [ZoneAssessment.Scope.zones([a, b]), .everything, .cutOff] {
            var example = Case()
            example.impair(a)
            example.situation.scope = scope
            #expect(example.decisions.isEmpty)
        }
    }

    @Test func whatAutoTookOutComesBackAfterAWhile() throws {
        var example = Case()
        example.situation.clusters = [try #require(Self.cluster())]
        example.evacuate(a)
        example.situation.findings[a]?.lasts = .seconds(59)
        #expect(example.decisions.isEmpty)
        example.situation.findings[a]?.lasts = .seconds(61)
        #expect(example.decisions == [.restore(a, reason: "healthy for 61 s")])
        example.situation.findings[a]?.health = .unknown
        #expect(example.decisions.isEmpty)
        // Without clusters there is nothing to judge it by.
        example.situation.clusters = []
        #expect(example.decisions == [.restore(a, reason: "there is no cluster any more")])
    }

    @Test func aZoneThatWasEmptiedIsTriedAgain() throws {
        var example = Case()
        example.situation.clusters = [try #require(Self.cluster())]
        example.evacuate(a)
        example.situation.findings[a] = ZoneFinding(health: .unknown, evidence: [], lasts: .seconds(61), isEmpty: true)
        #expect(example.decisions == [.restore(a, reason: "nothing is left there to judge it by")])
        example.situation.findings[a]?.isEmpty = false
        #expect(example.decisions.isEmpty)
    }

    @Test func whatSomebodyTookOutStaysOut() {
        var example = Case()
        example.evacuate(a, by: "arn:aws:iam::0:user/admin")
        #expect(example.decisions.isEmpty)
    }

    @Test func aHealthyZoneThatIsOutIsNeededWhenAnotherFails() {
        for principal in ["auto", "arn:aws:iam::0:user/admin"] {
            var example = Case()
            example.evacuate(a, by: principal, ago: 20)
            example.impair(b)
            example.situation.clusters = [Self.cluster()].compactMap { $0 }
            guard case .restore(let zone, let reason)? = example.decisions.first else {
                Issue.record("nothing decided")
                return
            }
            #expect(zone == a && reason.contains("z-b is impaired (unreachable)"))
            example.situation.findings[a]?.lasts = .seconds(2)
            #expect(example.decisions.isEmpty)
        }
    }

    @Test func whoRestoredAnImpairedZoneIsObeyed() {
        var example = Case()
        example.evacuate(a)
        example.situation.zones[0].spec = example.situation.zones[0].spec.changed(
            to: .inService, by: "arn:aws:iam::0:user/admin", reason: "I know", at: example.situation.now.addingTimeInterval(-10))
        example.impair(a, for: .seconds(60))
        #expect(example.decisions.isEmpty)
        example.impair(a, for: .seconds(2))
        #expect(example.decisions.count == 1)
    }

    @Test func aSlowZoneThatIsNeededIsAskedFor() throws {
        var example = Case()
        example.situation.clusters = [try #require(Self.cluster())]
        example.impair(a, .slow)
        guard case .ask(let zone, let reason)? = example.decisions.first else {
            Issue.record("\(example.decisions)")
            return
        }
        #expect(zone == a && reason.contains("no API server is ready elsewhere") && reason.contains("--force"))
        // A dead one carries nothing anyway.
        example.impair(a, .unreachable)
        #expect(example.decisions == [.evacuate(a, reason: "it is dead")])
    }

    /// Its only ready API server is in zone a.
    private static func cluster() -> Cluster? {
        guard let name = try? ClusterName("demo"), let network = try? ClusterNetwork(pool: try IPv4Block("100.66.0.0/16"), slot: 0),
            let version = try? KubernetesVersion("1.33.4")
        else { return nil }
        var cluster = Cluster(
            name: name, cell: CellName(rawValue: "a"), metadata: Metadata(uid: "u", createdAt: start),
            spec: ClusterSpec(
                controlPlane: ControlPlaneSpec(
                    release: ReleaseID(rawValue: "1.33.4-eks.1"), version: version, zones: ProbeWorld.zones, network: network),
                settings: ClusterSettings(roleARN: "r", subnetIDs: [], creatorARN: "c")))
        cluster.status.activeSince = start
        cluster.status.instances = [
            InstanceSummary(
                name: "api-1", role: .apiServer, zone: ProbeWorld.a, address: network.loadBalancer, release: nil, state: "ready",
                isLeader: false)
        ]
        return cluster
    }
}
