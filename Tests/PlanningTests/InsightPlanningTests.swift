import FleetModel
import Foundation
import Planning
import Testing

@Suite struct InsightPlanningTests {
    private let now = Date(timeIntervalSince1970: 1_767_225_600)

    private static let page = """
        # HELP apiserver_requested_deprecated_apis Gauge of deprecated APIs that have been requested.
        # TYPE apiserver_requested_deprecated_apis gauge
        apiserver_requested_deprecated_apis{group="extensions",removed_release="1.22",resource="ingresses",subresource="",version="v1beta1"} 1
        apiserver_requested_deprecated_apis{group="batch",removed_release="1.25",resource="cronjobs",subresource="status",version="v1beta1"} 1
        apiserver_requested_deprecated_apis{group="policy",removed_release="1.25",resource="podsecuritypolicies",subresource="",version="v1beta1"} 0
        apiserver_requested_deprecated_apis{group="",removed_release="",resource="componentstatuses",subresource="",version="v1"} 1
        kubernetes_build_info{build_date="2021-01-13T13:20:00Z",git_commit="x",git_version="v1.20.2-eks.1",go_version="go1.19",major="1",minor="20"} 1
        apiserver_request_total{code="200",group="extensions"} 7
        """

    private func observation(
        _ version: String = "1.20.2", servers: [String: APIServerMetricsPage?]? = nil, nodes: [InsightObservation.Node]? = [],
        conditions: [Condition] = []
    ) throws -> InsightObservation {
        InsightObservation(
            version: try KubernetesVersion(version), servers: servers ?? ["api-1": APIServerMetricsPage(Self.page)], nodes: nodes,
            conditions: conditions)
    }

    private func insights(_ seen: InsightObservation, old: [Insight] = [], at time: Date? = nil) -> [Insight] {
        var number = old.count
        return InsightPlanner().insights(seen, old: old, now: time ?? now) {
            number += 1
            return "id-\(number)"
        }
    }

    private func insight(_ name: String, _ all: [Insight]) throws -> Insight { try #require(all.first { $0.name == name }, "\(all)") }

    @Test func pageIsRead() throws {
        let page = APIServerMetricsPage(Self.page)
        #expect(page.version?.description == "1.20.2")
        #expect(
            page.deprecated.sorted().map(\.path)
                == ["/apis/extensions/v1beta1/ingresses", "/apis/batch/v1beta1/cronjobs"])
    }

    @Test func usedAPIsThatGoAwayAreNamedWithWhatTakesTheirPlace() throws {
        let all = insights(try observation())
        #expect(try insight("Deprecated APIs removed in Kubernetes v1.21", all).status == .passing)
        let ingresses = try insight("Deprecated APIs removed in Kubernetes v1.22", all)
        #expect(ingresses.status == .warning && ingresses.category == .upgradeReadiness && ingresses.kubernetesVersion == "1.22")
        #expect(
            ingresses.deprecations == [
                Insight.Deprecation(
                    usage: "/apis/extensions/v1beta1/ingresses", replacement: "/apis/networking.k8s.io/v1/ingresses",
                    stopServingVersion: "1.22", replacementSince: "1.19")
            ])
        #expect(
            try insight("Deprecated APIs removed in Kubernetes v1.25", all).deprecations.map(\.usage) == ["/apis/batch/v1beta1/cronjobs"])
    }

    @Test func whatTheNextVersionEndsIsAnError() throws {
        let all = insights(try observation("1.21.9"))
        #expect(try insight("Deprecated APIs removed in Kubernetes v1.22", all).status == .error)
    }

    @Test func whatIsGoneAlreadyIsNotTold() throws {
        let all = insights(try observation("1.22.1"))
        #expect(!all.contains { $0.name.hasSuffix("v1.22") })
    }

    @Test func whoDoesNotAnswerMakesItUnknownAndNotPassing() throws {
        let silent = try insight("Deprecated APIs removed in Kubernetes v1.21", insights(try observation(servers: ["api-1": nil])))
        #expect(silent.status == .unknown)
        let half = insights(try observation(servers: ["api-1": APIServerMetricsPage(""), "api-2": nil]))
        #expect(try insight("Deprecated APIs removed in Kubernetes v1.21", half).status == .unknown)
    }

    @Test(arguments: [
        ("1.20.2", "1.20.2", Insight.Status.passing), ("1.20.2", "1.19.1", .passing), ("1.20.2", "1.18.0", .error),
        ("1.20.2", "1.21.0", .error), ("1.30.1", "1.28.9", .passing), ("1.30.1", "1.27.3", .error),
    ])
    func kubeletsKeepToTheSkewPolicy(cluster: String, kubelet: String, status: Insight.Status) throws {
        let nodes = [InsightObservation.Node(name: "n", kubelet: try KubernetesVersion(kubelet))]
        let found = try insight("Kubelet version skew", insights(try observation(cluster, nodes: nodes)))
        #expect(found.status == status, "\(found)")
        #expect(found.resources.map(\.uri) == (status == .passing ? [] : ["/api/v1/nodes/n"]))
    }

    @Test func nodesThatCannotBeListedAreUnknown() throws {
        #expect(try insight("Kubelet version skew", insights(try observation(nodes: nil))).status == .unknown)
    }

    @Test func healthFollowsTheConditions() throws {
        func health(_ kind: Condition.Kind, _ status: Condition.Status) throws -> Insight.Status {
            let condition = Condition(kind: kind, status: status, reason: "R", message: "m", since: now)
            return try insight("Cluster health issues", insights(try observation(conditions: [condition]))).status
        }
        #expect(try health(.available, .yes) == .passing)
        #expect(try health(.available, .no) == .error)
        #expect(try health(.degraded, .yes) == .warning)
        #expect(try health(.degraded, .no) == .passing)
        #expect(try health(.progressing, .yes) == .passing)
        #expect(try health(.etcdConsistent, .no) == .error)
        #expect(try health(.backupHealthy, .no) == .warning)
        #expect(try health(.backupHealthy, .unknown) == .passing)
    }

    @Test func anInsightKeepsItsIDAndTheTimeOfItsChange() throws {
        let first = insights(try observation(servers: ["api-1": APIServerMetricsPage("")]))
        let later = now.addingTimeInterval(60)
        let second = insights(try observation(servers: ["api-1": APIServerMetricsPage("")]), old: first, at: later)
        #expect(second.map(\.id) == first.map(\.id))
        #expect(second.allSatisfy { $0.refreshedAt == later && $0.changedAt == now })
        let third = insights(try observation(servers: ["api-1": nil]), old: second, at: later)
        let changed = try insight("Deprecated APIs removed in Kubernetes v1.21", third)
        #expect(changed.changedAt == later && changed.id == first[0].id)
    }
}
