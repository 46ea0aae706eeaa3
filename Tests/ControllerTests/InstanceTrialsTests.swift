import FleetModel
import Foundation
import Planning
import Substrate
import Testing
import Timing

@testable import Fleet

/// What is remembered of the instances of a cluster that is being updated.
@Suite struct InstanceTrialsTests {
    private let trials = InstanceTrials(time: .system)
    private let zones = ["z-a", "z-b", "z-c"].map(ZoneName.init(rawValue:))

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
        _ count: Int?, process: Int32? = nil, _ cluster: Cluster, healthy: Int = 3,
        _ change: (inout ControlPlaneObservation) -> Void = { _ in }
    ) -> Int {
        let instance = InstanceObservation(
            id: InstanceID(cluster: cluster.name, name: "api-1"), role: .apiServer, zone: zones[0],
            address: cluster.spec.controlPlane.network.apiServers[0], volume: nil, sizeName: "small",
            release: cluster.spec.controlPlane.release, configurationRevision: 0, state: .running,
            components: [ComponentObservation(kind: .apiServer, isUp: process != nil, processID: process, seconds: 1, ends: count)])
        var health = HealthObservation()
        for zone in zones.prefix(healthy) { health.etcdMembers["etcd-\(zone)"] = EtcdMemberHealth(isHealthy: true, isLeader: false) }
        var observation = ControlPlaneObservation(substrate: SubstrateObservation(instances: [instance]), health: health)
        change(&observation)
        trials.note(&observation, of: cluster)
        return observation.trials["api-1"]?.ends["kube-apiserver"] ?? 0
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

    @Test func failuresAreTheSameWhenTheSameStepFails() {
        func result(_ one: CheckOutcome.Failure, _ other: CheckOutcome.Failure?) -> InstanceCheckResult {
            CheckOutcome(failure: one).result(baseline: CheckOutcome(failure: other))
        }
        #expect(result(.init("create: 500", "a"), nil) == .failed("create: 500 a"))
        #expect(result(.init("create: 500", "a"), .init("create: 500", "b")) == .asBefore("create: 500 b"))
        #expect(result(.init("list: 500"), .init("create: 500", "b")) == .undecided("create: 500 b"))
        // Nobody answers: that has too many causes.
        #expect(result(.silence("timeout"), .silence("timeout")) == .undecided("no answer: timeout"))
    }
}
