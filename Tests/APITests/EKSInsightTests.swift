import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Identity
import Testing
import Timing

@Suite struct EKSInsightTests {
    private let cell = CellName(rawValue: "a")

    /// An active cluster with two insights, as the cell's controllers would have written them.
    private func region() async throws -> EKSTestRegion {
        let region = try await EKSTestRegion()
        try await region.createCluster("demo")
        try await region.activate("demo", endpoint: "https://100.66.0.2", authority: "PEM")
        let name = try ClusterName("demo")
        _ = try await region.store.update(Cluster.self, StoreKeys.cluster(name, in: cell)) { current in
            var new = current
            new.status.activeSince = region.time.now
            return new
        }
        return region
    }

    private func add(_ insights: [Insight], to region: EKSTestRegion) async throws {
        let name = try ClusterName("demo")
        let cluster = try #require(try await region.store.get(Cluster.self, StoreKeys.cluster(name, in: cell))).value
        try await region.store.create(ClusterInsights(cluster: name, cell: cell, clusterUID: cluster.metadata.uid, insights: insights))
    }

    private func insight(_ number: Int, _ status: Insight.Status, _ category: Insight.Category = .upgradeReadiness) -> Insight {
        let time = Date(timeIntervalSince1970: 1_767_225_600)
        return Insight(
            id: "00000000-0000-4000-8000-00000000000\(number)", name: "Insight \(number)", category: category, kubernetesVersion: "1.22",
            refreshedAt: time, changedAt: time, summary: "s", status: status, reason: "r", recommendation: "do",
            deprecations: [
                Insight.Deprecation(
                    usage: "/apis/extensions/v1beta1/ingresses", replacement: nil, stopServingVersion: "1.22", replacementSince: nil)
            ])
    }

    @Test func listedFilteredAndDescribed() async throws {
        let region = try await region()
        #expect(try await region.call(.post, "/clusters/demo/insights", "{}").text == #"{"insights":[]}"#)
        try await add([insight(1, .passing), insight(2, .error, .misconfiguration)], to: region)
        let all = try await region.call(.post, "/clusters/demo/insights", #"{"maxResults": 1}"#)
        #expect(all["insights", "0", "name"] == "Insight 1" && all["insights", "0", "insightStatus", "status"] == "PASSING")
        let token = try #require(all["nextToken"])
        let rest = try await region.call(.post, "/clusters/demo/insights", #"{"nextToken": "\#(token)"}"#)
        #expect(rest["insights", "0", "name"] == "Insight 2" && rest["nextToken"] == nil)
        for filter in [#""statuses": ["ERROR"]"#, #""categories": ["MISCONFIGURATION"]"#] {
            let some = try await region.call(.post, "/clusters/demo/insights", #"{"filter": {\#(filter)}}"#)
            #expect(some["insights", "0", "name"] == "Insight 2" && some["insights", "1", "name"] == nil, "\(filter)")
        }
        let none = try await region.call(.post, "/clusters/demo/insights", #"{"filter": {"kubernetesVersions": ["1.23"]}}"#)
        #expect(none["insights", "0", "name"] == nil)
        let one = try await region.call(.get, "/clusters/demo/insights/00000000-0000-4000-8000-000000000002")
        #expect(one["insight", "recommendation"] == "do")
        #expect(
            one["insight", "categorySpecificSummary", "deprecationDetails", "0", "usage"] == "/apis/extensions/v1beta1/ingresses")
    }

    @Test func refusals() async throws {
        let region = try await region()
        for (body, code) in [
            (#"{"filter": {"statuses": ["BAD"]}}"#, "InvalidParameterException"), (#"{"maxResults": 101}"#, "InvalidParameterException"),
            (#"{"nextToken": "x"}"#, "InvalidParameterException"),
        ] {
            let answer = try await region.call(.post, "/clusters/demo/insights", body)
            #expect(answer.status == 400 && answer["__type"] == code, "\(body): \(answer.text)")
        }
        #expect(try await region.call(.post, "/clusters/none/insights", "{}").status == 404)
        #expect(try await region.call(.get, "/clusters/demo/insights/none").status == 404)
        #expect(try await region.call(.get, "/clusters/demo/insights-refresh").status == 404)
        let viewer = try await region.principal("vera", .viewer)
        #expect(try await region.call(.post, "/clusters/demo/insights-refresh", as: viewer).status == 403)
    }

    @Test func refreshIsAskedForOnce() async throws {
        let region = try await region()
        let first = try await region.call(.post, "/clusters/demo/insights-refresh")
        #expect(first["status"] == "IN_PROGRESS", "\(first.text)")
        #expect(try await region.call(.post, "/clusters/demo/insights-refresh")["status"] == "IN_PROGRESS")
        let described = try await region.call(.get, "/clusters/demo/insights-refresh")
        #expect(described["status"] == "IN_PROGRESS" && described["startedAt"] == "1767225600")
    }
}
