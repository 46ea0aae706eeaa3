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
        #expect(progress.lines(try cluster(steps: [step("a", 0, 1), step("b", 0, nil)])) == [.done("a", seconds: 1)])
        #expect(progress.running.map(\.title) == ["b"])
        let next = try cluster(steps: [step("a", 0, 1), step("b", 0, 3, error: "no")])
        #expect(progress.lines(next) == [.failed("b", error: "no")])
        #expect(progress.lines(next).isEmpty)
    }

    @Test func whatWasBeforeIsNotTold() throws {
        var progress = ClusterProgress(begun: begun)
        #expect(progress.lines(try cluster(steps: [step("old", -20, -10)])).isEmpty)
    }

    @Test func aWaitIsToldWhenItBegins() throws {
        var progress = ClusterProgress(begun: begun)
        let waiting = try cluster(waits: [Wait("EtcdNotReady", "etcd is not ready")])
        #expect(progress.lines(waiting) == [.waiting("etcd is not ready")])
        #expect(progress.lines(waiting).isEmpty)
        #expect(progress.lines(try cluster()).isEmpty)
        #expect(progress.lines(waiting) == [.waiting("etcd is not ready")])
    }
}
