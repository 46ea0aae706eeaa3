import FleetModel
import Foundation
import SlipwayClient
import Testing

struct OperatorProgressTests {
    private let begun = Date(timeIntervalSince1970: 1_800_000_000)

    private func cluster(steps: [StepRecord] = [], waits: [Wait] = []) throws -> ClusterDetail {
        let network = ClusterNetwork(block: try IPv4Block("100.66.0.0/27"))
        let spec = ControlPlaneSpec(
            release: ReleaseID(rawValue: "1.33.4-eks.1"), version: try KubernetesVersion("1.33.4"), zones: [], network: network)
        var cluster = Cluster(
            name: try ClusterName("demo"), cell: CellName(rawValue: "a"), metadata: Metadata(uid: "u", createdAt: begun),
            spec: ClusterSpec(controlPlane: spec, settings: ClusterSettings(roleARN: "", subnetIDs: [], creatorARN: "")))
        cluster.status.steps = steps
        cluster.status.waits = waits
        return ClusterDetail(cluster, arn: "arn")
    }

    private func step(_ title: String, _ start: Double, _ end: Double?, error: String? = nil) -> StepRecord {
        StepRecord(title: title, startedAt: begun + start, finishedAt: end.map { begun + $0 }, error: error)
    }

    @Test func eachStepIsToldOnceWhenItEnds() throws {
        var progress = ClusterProgress(begun: begun)
        #expect(progress.lines(try cluster(steps: [step("a", 0, 1), step("b", 0, nil)]), now: begun) == [.done("a", seconds: 1)])
        #expect(progress.running.map(\.title) == ["b"])
        let next = try cluster(steps: [step("a", 0, 1), step("b", 0, 3, error: "no")])
        #expect(progress.lines(next, now: begun) == [.failed("b", error: "no")])
        #expect(progress.lines(next, now: begun).isEmpty)
    }

    @Test func whatWasBeforeIsNotTold() throws {
        var progress = ClusterProgress(begun: begun)
        #expect(progress.lines(try cluster(steps: [step("old", -20, -10)]), now: begun).isEmpty)
    }

    @Test func aWaitIsToldWhenItBegins() throws {
        var progress = ClusterProgress(begun: begun)
        let waiting = try cluster(waits: [Wait("EtcdNotReady", "etcd is not ready")])
        #expect(progress.lines(waiting, now: begun) == [.waiting("etcd is not ready")])
        #expect(progress.lines(waiting, now: begun + 1).isEmpty)
        #expect(progress.lines(try cluster(), now: begun + 2).isEmpty)
        // One that comes and goes is not told each time.
        #expect(progress.lines(waiting, now: begun + 3).isEmpty)
        #expect(progress.lines(try cluster(), now: begun + 4).isEmpty)
        #expect(progress.lines(waiting, now: begun + 40) == [.waiting("etcd is not ready")])
    }

    @Test func whatFailsAgainAndAgainIsToldNowAndThen() throws {
        var progress = ClusterProgress(begun: begun)
        func failing(_ moment: Double) throws -> ClusterDetail { try cluster(steps: [step("a", moment, moment, error: "no")]) }
        #expect(progress.lines(try failing(0), now: begun) == [.failed("a", error: "no")])
        #expect(progress.lines(try failing(1), now: begun + 1).isEmpty)
        #expect(progress.failures == ["a": "no"])
        #expect(progress.lines(try failing(40), now: begun + 40) == [.failed("a", error: "no")])
        _ = progress.lines(try cluster(steps: [step("a", 41, 42)]), now: begun + 42)
        #expect(progress.failures.isEmpty)
    }

    @Test func aStateIsToldWhenItIsAnother() throws {
        var progress = ClusterProgress(begun: begun)
        var active = try cluster()
        #expect(progress.lines(active, now: begun).isEmpty)
        (active.status, active.activeSince) = ("ACTIVE", begun)
        #expect(progress.lines(active, now: begun) == [.state("ACTIVE")])
        var degraded = active
        degraded.conditions = [Condition(kind: .degraded, status: .yes, reason: "r", message: "m", since: begun)]
        #expect(progress.lines(degraded, now: begun) == [.state("ACTIVE, degraded")])
        #expect(progress.lines(degraded, now: begun).isEmpty)
        #expect(progress.lines(active, now: begun) == [.state("ACTIVE")])
        #expect(progress.last == active)
    }
}
