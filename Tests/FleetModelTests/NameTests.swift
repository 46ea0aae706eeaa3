import FleetModel
import Foundation
import Testing

@Suite struct NameTests {
    @Test(arguments: ["demo", "D", "9lives", "a-b_c", String(repeating: "x", count: 100)])
    func allowedClusterNames(text: String) throws {
        #expect(try ClusterName(text).rawValue == text)
    }

    /// EKS: 1 to 100 characters, the first a letter or digit.
    @Test(arguments: ["", "-a", "_a", "a.b", "a b", "ä", "a/b", "a\n", String(repeating: "x", count: 101)])
    func forbiddenClusterNames(text: String) {
        #expect(!ClusterName.isValid(text))
        #expect { try ClusterName(text) } throws: { ($0 as? FleetModelError)?.code == .invalidName }
    }

    @Test func aForbiddenNameIsNotDecoded() {
        #expect(throws: FleetModelError.self) { try JSONDecoder().decode([ClusterName].self, from: Data(#"["a/b"]"#.utf8)) }
    }

    @Test func aRegionHasZonesAndSubnets() {
        let region = Region.standard(name: "local-1", zoneCount: 3)
        #expect(region.zones.map(\.rawValue) == ["local-1a", "local-1b", "local-1c"])
        for zone in region.zones { #expect(region.zone(ofSubnet: region.subnetID(of: zone)) == zone) }
        #expect(region.zone(ofSubnet: "subnet-elsewhere") == nil)
        #expect(Region.standard(zoneCount: 0).zones.count == 1)
    }

    @Test func accessPoliciesHaveARNsAndGroups() {
        for policy in AccessPolicy.allCases { #expect(AccessPolicy(arn: policy.arn) == policy) }
        #expect(AccessPolicy(arn: "arn:aws:eks::aws:cluster-access-policy/Nothing") == nil)
        #expect(AccessPolicy.clusterAdmin.group() == "system:masters")
        #expect(AccessPolicy.clusterAdmin.group(namespace: "a") != "system:masters")
        #expect(Set(AccessPolicy.allCases.map { $0.group() }).count == AccessPolicy.allCases.count)
    }
}
