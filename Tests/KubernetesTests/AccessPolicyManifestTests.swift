import FleetModel
import Foundation
import Kubernetes
import Testing

@Suite struct AccessPolicyManifestTests {
    private func parse(_ object: KubernetesObject) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(object.body.utf8)) as? [String: Any])
    }

    @Test func everyPolicyButClusterAdminIsBoundInTheWholeCluster() throws {
        let objects = try AccessPolicyManifests.clusterObjects()
        #expect(
            objects.map(\.path) == [
                "/apis/rbac.authorization.k8s.io/v1/clusterroles/eks:admin-view",
                "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/eks:access-policy:AmazonEKSAdminPolicy",
                "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/eks:access-policy:AmazonEKSEditPolicy",
                "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/eks:access-policy:AmazonEKSViewPolicy",
                "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/eks:access-policy:AmazonEKSAdminViewPolicy",
            ])
        let binding = try parse(objects[3])
        #expect((binding["roleRef"] as? [String: String])?["name"] == "view")
        #expect((binding["subjects"] as? [[String: String]])?.first?["name"] == AccessPolicy.view.group())
    }

    @Test func adminViewOnlyReads() throws {
        let role = try parse(try AccessPolicyManifests.clusterObjects()[0])
        let rules = try #require(role["rules"] as? [[String: [String]]])
        #expect(Set(rules.flatMap { $0["verbs"] ?? [] }) == ["get", "list", "watch"])
    }

    @Test func aNamespacePatternKeepsItsOwnGroup() throws {
        let object = try AccessPolicyManifests.roleBinding(.edit, namespace: "dev-1", pattern: "dev-*")
        #expect(object.path.hasPrefix("/apis/rbac.authorization.k8s.io/v1/namespaces/dev-1/rolebindings/"))
        let parsed = try parse(object)
        #expect((parsed["metadata"] as? [String: Any])?["namespace"] as? String == "dev-1")
        #expect((parsed["subjects"] as? [[String: String]])?.first?["name"] == AccessPolicy.edit.group(namespace: "dev-*"))
    }
}
