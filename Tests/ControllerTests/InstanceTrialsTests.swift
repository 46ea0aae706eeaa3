import FleetModel
import Foundation
import Planning
import Substrate
import Testing
import Timing

@testable import Fleet

/// What is remembered of the instances of a cluster that is being updated.
@Suite struct InstanceTrialsTests {
    private let clock = VirtualTime()
    private let trials: InstanceTrials
    private let zones = ["z-a", "z-b", "z-c"].map(ZoneName.init(rawValue:))

    init() { trials = InstanceTrials(time: clock.source) }

    private func cluster() throws -> Cluster {
        let network = try ClusterNetwork(pool: try IPv4Block("100.66.0.0/16"), slot: 0)
        let spec = ControlPlaneSpec(
            release: ReleaseID(rawValue: "1.33.4-eks.1"), version: try KubernetesVersion("1.33.4"), zones: zones, network: network)
        let settings = ClusterSettings(roleARN: "", subnetIDs: [], creatorARN: "")
        var cluster = Cluster(
            name: try ClusterName("one"), cell: CellName(rawValue: "a"), metadata: Metadata(uid: "u", createdAt: .distantPast),
            spec: ClusterSpec(controlPlane: spec, settings: settings))
        cluster.spec.update = UpdateIntent(
            id: "u", strategy: .blueGreen, startedAt: .distantPast, previous: spec, previousSettings: settings, changesEtcdStorage: false)
        return cluster
    }

    /// One API server, and members of which so many are healthy.
    private func ends(
        _ count: Int?, kills: Int = 0, process: Int32? = nil, _ cluster: Cluster, healthy: Int = 3,
        _ change: (inout ControlPlaneObservation) -> Void = { _ in }
    ) -> Int {
        let instance = InstanceObservation(
            id: InstanceID(cluster: cluster.name, name: "api-1"), role: .apiServer, zone: zones[0],
            address: cluster.spec.controlPlane.network.apiServers[0], volume: nil, sizeName: "small",
            release: cluster.spec.controlPlane.release, configurationRevision: 0, state: .running,
            components: [
                ComponentObservation(kind: .apiServer, isUp: process != nil, processID: process, seconds: 1, ends: count, kills: kills)
            ])
        var health = HealthObservation()
        for zone in zones.prefix(healthy) { health.etcdMembers["etcd-\(zone)"] = EtcdMemberHealth(isHealthy: true, isLeader: false) }
        var observation = ControlPlaneObservation(substrate: SubstrateObservation(instances: [instance]), health: health)
        change(&observation)
        trials.note(&observation, of: cluster)
        return observation.trials["api-1"]?.ends["kube-apiserver"] ?? 0
    }

    private func kills(_ count: Int, _ kills: Int, _ cluster: Cluster) -> Int {
        var seen = ControlPlaneObservation()
        _ = ends(count, kills: kills, cluster) { seen = $0 }
        trials.note(&seen, of: cluster)
        return seen.trials["api-1"]?.kills["kube-apiserver"] ?? 0
    }

    @Test func endsThatNobodySawAreCounted() throws {
        let cluster = try cluster()
        #expect(ends(0, cluster) == 0)
        #expect(ends(3, cluster) == 3)
    }

    @Test func whereNobodyCountsAnotherProcessIsAnEnd() throws {
        let cluster = try cluster()
        #expect(ends(nil, process: 7, cluster) == 0)
        #expect(ends(nil, process: 8, cluster) == 1)
    }

    /// Slipway has started it again: that is no end.
    @Test func anInstanceThatIsStartedAgainIsCountedAnew() throws {
        let cluster = try cluster()
        #expect(ends(1, process: 7, cluster) == 1)
        #expect(ends(0, process: 8, cluster) == 0)
        #expect(ends(1, process: 9, cluster) == 1)
    }

    @Test func whatEndsByAFaultIsNotTheReleasesDoing() throws {
        let cluster = try cluster()
        let zone = zones[0]
        #expect(ends(1, cluster) { $0.unavailableZones = [zone] } == 0)
        #expect(ends(2, cluster) { $0.isolatedInstances = ["api-1"] } == 0)
        #expect(ends(3, cluster, healthy: 1) == 0)
        #expect(ends(4, cluster) { $0.impairedZones = [zone] } == 0)
        #expect(ends(5, cluster) == 1)
    }

    /// Watched after an update: what nobody counts is nothing, and what somebody kills is told apart.
    @Test func afterAnUpdateEndsAreStillCounted() throws {
        var cluster = try cluster()
        let update = try #require(cluster.spec.update)
        #expect(ends(1, process: 7, cluster) == 1)
        cluster.spec.update = nil
        #expect(ends(3, cluster) == 0, "nobody watches")
        cluster.spec.proving = ProvingIntent(update: update, until: .distantFuture)
        #expect(ends(3, kills: 1, cluster) == 0, "it was there before")
        #expect(ends(nil, process: 8, cluster) == 0)
        #expect(ends(5, kills: 2, cluster) == 2)
        #expect(kills(5, 2, cluster) == 1)
        #expect(ends(6, kills: 3, cluster, healthy: 1) == 0)
        // What has started without etcd ends a while later.
        clock.advance(to: clock.now + .seconds(30))
        #expect(ends(7, kills: 3, cluster) == 0)
        clock.advance(to: clock.now + .seconds(30))
        #expect(kills(8, 4, cluster) == 1)
        cluster.spec.proving?.until = .distantPast
        #expect(ends(9, kills: 2, cluster) == 0)
    }

    /// The same step fails through one of before: so it is counted, until something else comes of a check.
    @Test func whatFailsAlikeIsCounted() throws {
        let cluster = try cluster()
        let id = InstanceID(cluster: cluster.name, name: "api-1")
        func trial() -> InstanceTrial? {
            var seen = ControlPlaneObservation()
            _ = ends(0, process: 7, cluster) { seen = $0 }
            trials.note(&seen, of: cluster)
            return seen.trials["api-1"]
        }
        _ = ends(0, process: 7, cluster)
        for _ in 0..<3 { trials.note(.asBefore("create: 500 x"), of: id) }
        #expect(trial()?.commonFailures == 3 && trial()?.commonFailure == "create: 500 x")
        trials.note(.undecided("list: 500"), of: id)
        #expect(trial()?.commonFailures == 0 && trial()?.commonFailure == nil)
        trials.note(.asBefore("create: 500 x"), of: id)
        trials.note(.passed, of: id)
        #expect(trial()?.commonFailures == 0 && trial()?.passes == 1)
        // Slow now and then: counted also where they do not fail in a row.
        for _ in 0..<3 {
            trials.note(.failed("get took 1.6 s"), of: id)
            for _ in 0..<2 { trials.note(.passed, of: id) }
        }
        #expect(trial()?.recentFailures == 3 && trial()?.failures == 0)
        trials.note(.undecided("list: 500"), of: id)
        trials.note(.failed("get took 1.6 s"), of: id)
        #expect(trial()?.recentFailures == 4)
        for _ in 0..<UpdatePolicy.checkWindow { trials.note(.passed, of: id) }
        #expect(trial()?.recentFailures == 0)
    }

    @Test func aMemberThatIsSlowIsNoted() throws {
        let cluster = try cluster()
        let clock = VirtualTime()
        let trials = InstanceTrials(time: clock.source)
        let member = InstanceObservation(
            id: InstanceID(cluster: cluster.name, name: "etcd-z-a"), role: .etcd, zone: zones[0],
            address: cluster.spec.controlPlane.network.apiServers[0], volume: nil, sizeName: "small",
            release: cluster.spec.controlPlane.release, configurationRevision: 0, state: .running, components: [])
        func look(isHealthy: Bool, isSlow: Bool, after seconds: Double = 1, impaired: Set<ZoneName> = []) -> Int {
            clock.advance(to: clock.now + .seconds(seconds))
            var seen = ControlPlaneObservation(substrate: SubstrateObservation(instances: [member]))
            seen.health.etcdMembers["etcd-z-a"] = isHealthy ? EtcdMemberHealth(isHealthy: true, isLeader: false) : nil
            seen.health.slowMembers = isSlow ? ["etcd-z-a"] : []
            seen.impairedZones = impaired
            trials.note(&seen, of: cluster)
            return seen.trials["etcd-z-a"]?.recentFailures ?? 0
        }
        // Until it has joined it may take its time.
        #expect(look(isHealthy: false, isSlow: true) == 0)
        #expect(look(isHealthy: true, isSlow: false) == 0)
        #expect(look(isHealthy: true, isSlow: true) == 1)
        #expect(look(isHealthy: true, isSlow: true, after: 0.2) == 1, "in quick succession")
        #expect(look(isHealthy: false, isSlow: true) == 1, "that it is silent has a limit of its own")
        #expect(look(isHealthy: true, isSlow: false) == 1)
        #expect(look(isHealthy: true, isSlow: true, impaired: [zones[1]]) == 0, "that may be the zone's doing")
    }

    @Test func aMemberIsSlowNextToAnother() {
        func slow(_ took: [String: Double], silent: Set<String> = []) -> Set<String> {
            let health = took.filter { !silent.contains($0.key) }.mapValues { _ in EtcdMemberHealth(isHealthy: true, isLeader: false) }
            return HTTPHealthProbe.slowMembers(took.mapValues(Duration.seconds), health)
        }
        #expect(slow(["a": 1.5, "b": 0.01, "c": 0.9]) == ["a"])
        #expect(slow(["a": 2, "b": 0.01], silent: ["a"]) == ["a"])
        // Refused at once; all slow alike; nobody answers.
        #expect(slow(["a": 0.001, "b": 0.01], silent: ["a"]) == [])
        #expect(slow(["a": 1.5, "b": 1.2, "c": 1.9]) == [])
        #expect(slow(["a": 2, "b": 2], silent: ["a", "b"]) == [])
    }

    @Test func failuresAreTheSameWhenTheSameStepFails() {
        func result(_ one: CheckOutcome.Failure, _ other: CheckOutcome.Failure?) -> InstanceCheckResult {
            CheckOutcome(failures: [one]).result(baseline: CheckOutcome(failures: other.map { [$0] } ?? []))
        }
        #expect(result(.init("create: 500", "a"), nil) == .failed("create: 500 a"))
        #expect(result(.init("create: 500", "a"), .init("create: 500", "b")) == .asBefore("create: 500 b"))
        #expect(result(.init("list: 500"), .init("create: 500", "b")) == .undecided("create: 500 b"))
        // Nobody answers: that has too many causes.
        #expect(result(.silence("timeout"), .silence("timeout")) == .undecided("no answer: timeout"))
        #expect(result(.init("list: 500"), .silence("timeout")) == .undecided("no answer: timeout"))
    }

    /// What does not work for one kind of object is no excuse for another.
    @Test func partsAreComparedWithTheirOwn() {
        func failure(_ part: CheckOutcome.Part, _ step: String, _ kind: CheckOutcome.Failure.Kind = .fault) -> CheckOutcome.Failure {
            CheckOutcome.Failure(step, part: part, kind: kind)
        }
        func result(_ new: [CheckOutcome.Failure], _ old: [CheckOutcome.Failure]?) -> InstanceCheckResult {
            CheckOutcome(failures: new).result(baseline: old.map { CheckOutcome(failures: $0) })
        }
        let webhook = failure(.objects, "create: 500")
        let pods = failure(.pods, "create a pod: 500")
        #expect(result([webhook, pods], [webhook]) == .failed("create a pod: 500"))
        #expect(result([webhook, pods], [webhook, pods]) == .asBefore("create: 500"))
        #expect(result([pods], [failure(.secrets, "create a secret: 500")]) == .failed("create a pod: 500"))
        // Refused by the owner's rules, as before; by an API server that has none to go by; and where it was not before.
        let refusal = failure(.pods, "create a pod: 403", .refusal)
        #expect(result([refusal], [refusal]) == .passed)
        #expect(result([refusal], nil) == .passed)
        #expect(result([refusal], []) == .failed("create a pod: 403"))
        #expect(result([refusal], [pods]) == .undecided("create a pod: 500"))
        #expect(result([refusal, webhook], [refusal, webhook]) == .asBefore("create: 500"))
        #expect(result([pods], nil) == .failed("create a pod: 500"))
        // One of before was so slow that it was not asked for everything.
        let partial = CheckOutcome(untried: [.pods])
        guard case .undecided = CheckOutcome(failures: [pods]).result(baseline: partial) else {
            Issue.record("what was not tried counts as passed")
            return
        }
        #expect(CheckOutcome(failures: [webhook]).result(baseline: partial) == .failed("create: 500"))
        // Too much to do.
        guard case .undecided = result([failure(.pods, "create a pod: 429", .busy)], []) else {
            Issue.record("one that has much to do is blamed")
            return
        }
        // A webhook of the owner's that hangs.
        var silence = CheckOutcome.Failure.silence("timeout")
        silence.part = .pods
        #expect(result([silence], [silence]) == .asBefore("no answer: timeout"))
    }

    @Test func slownessIsComparedWithOneOfBefore() {
        func result(_ new: (Double, Double), _ old: (Double, Double), _ failures: [CheckOutcome.Failure] = []) -> InstanceCheckResult {
            CheckOutcome(slowest: "read", seconds: new.0, median: new.1)
                .result(baseline: CheckOutcome(failures: failures, seconds: old.0, median: old.1))
        }
        #expect(result((0.9, 0.01), (0.01, 0.01)) == .passed)
        #expect(result((1.2, 0.01), (0.5, 0.01)) == .passed)
        #expect(result((1.2, 0.01), (0.3, 0.01)) == .failed("read took 1.2 s, and at most 0.3 s on one of before"))
        #expect(
            result((0.9, 0.6), (0.9, 0.02)) == .failed("half of the requests took more than 0.6 s, and 0.02 s on one of before"))
        #expect(result((0.9, 0.6), (0.9, 0.3)) == .passed)
        let refusal = CheckOutcome.Failure("create a pod: 403", kind: .refusal)
        #expect(result((1.2, 0.01), (0.3, 0.01), [refusal]) != .passed, "an owner's rule makes nobody slow")
    }
}
