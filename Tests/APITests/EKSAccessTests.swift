import ClusterService
import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Identity
import SignatureV4
import Testing
import Timing

@Suite struct EKSAccessTests {
    private static let anna = "arn:aws:iam::000000000000:user/anna"
    private static let path = "/clusters/demo/access-entries/" + EKSTestRegion.isolated(anna)
    private static let view = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy"

    private func region() async throws -> EKSTestRegion {
        let region = try await EKSTestRegion()
        try await region.createCluster("demo")
        _ = try await region.principal("anna", .viewer)
        return region
    }

    @Test func entries() async throws {
        let region = try await region()
        let body = #"{"principalArn": "\#(Self.anna)", "kubernetesGroups": ["readers"], "tags": {"a": "1"}, "clientRequestToken": "t"}"#
        let created = try await region.call(.post, "/clusters/demo/access-entries", body)
        #expect(created.status == 200, "\(created.text)")
        #expect(created["accessEntry", "username"] == Self.anna)
        #expect(created["accessEntry", "type"] == "STANDARD")
        let arn = try #require(created["accessEntry", "accessEntryArn"])
        #expect(arn.hasPrefix("arn:aws:eks:local-1:000000000000:access-entry/demo/user/000000000000/anna/"))
        #expect(try await region.call(.post, "/clusters/demo/access-entries", body).text == created.text)
        let twice = try await region.call(.post, "/clusters/demo/access-entries", #"{"principalArn": "\#(Self.anna)"}"#)
        #expect(twice.errorType == "ResourceInUseException")
        #expect(try await region.call(.get, "/tags/" + EKSTestRegion.isolated(arn)).text == #"{"tags":{"a":"1"}}"#)
        let updated = try await region.call(.post, Self.path, #"{"kubernetesGroups": ["a", "b"], "username": "anna"}"#)
        #expect(updated["accessEntry", "username"] == "anna")
        #expect(try await region.call(.get, Self.path).text == updated.text)
        let page = try await region.call(.get, "/clusters/demo/access-entries?maxResults=1")
        #expect(page.strings("accessEntries") == ["arn:aws:iam::000000000000:user/admin"])
        #expect(page["nextToken"] != nil)
        #expect(try await region.call(.delete, Self.path).status == 200)
        let gone = try await region.call(.get, Self.path)
        #expect(gone.status == 404)
        #expect(gone.errorType == "ResourceNotFoundException")
        #expect(try await region.call(.delete, Self.path).status == 404)
    }

    @Test func roles() async throws {
        let region = try await region()
        let arn = "arn:aws:iam::123456789012:role/teams/dev"
        let answer = try await region.call(.post, "/clusters/demo/access-entries", #"{"principalArn": "\#(arn)"}"#)
        #expect(answer["accessEntry", "username"] == "arn:aws:sts::123456789012:assumed-role/dev/{{SessionName}}")
        let path = "/clusters/demo/access-entries/" + EKSTestRegion.isolated(arn)
        #expect(try await region.call(.get, path).status == 200)
    }

    @Test(arguments: [
        #"{}"#, #"{"principalArn": "anna"}"#, #"{"principalArn": "arn:aws:iam::000000000000:group/x"}"#,
        #"{"principalArn": "arn:aws:iam::000000000000:user/nobody"}"#,
        #"{"principalArn": "\#(anna)", "kubernetesGroups": ["system:masters"]}"#,
        #"{"principalArn": "\#(anna)", "kubernetesGroups": ["eks:access-policy:AmazonEKSAdminPolicy"]}"#,
        #"{"principalArn": "\#(anna)", "username": "system:admin"}"#, #"{"principalArn": "\#(anna)", "type": "EC2_LINUX"}"#,
        #"{"principalArn": "\#(anna)", "type": "OTHER"}"#,
    ]) func refused(body: String) async throws {
        let answer = try await region().call(.post, "/clusters/demo/access-entries", body)
        #expect(answer.errorType == "InvalidParameterException", "\(answer.text)")
    }

    @Test func policies() async throws {
        let region = try await region()
        _ = try await region.call(.post, "/clusters/demo/access-entries", #"{"principalArn": "\#(Self.anna)"}"#)
        let list = Self.path + "/access-policies"
        let given = try await region.call(
            .post, list, #"{"policyArn": "\#(Self.view)", "accessScope": {"type": "namespace", "namespaces": ["default", "dev-*"]}}"#)
        #expect(given.status == 200, "\(given.text)")
        #expect(given["associatedAccessPolicy", "accessScope", "type"] == "namespace")
        let wider = try await region.call(.post, list, #"{"policyArn": "\#(Self.view)", "accessScope": {"type": "cluster"}}"#)
        #expect(wider["associatedAccessPolicy", "accessScope", "type"] == "cluster")
        let all = try await region.call(.get, list)
        #expect(all["principalArn"] == Self.anna)
        #expect(all.text.components(separatedBy: Self.view).count == 2)
        let filter = "/clusters/demo/access-entries?associatedPolicyArn=" + EKSTestRegion.isolated(Self.view)
        #expect(try await region.call(.get, filter).strings("accessEntries") == [Self.anna])
        for bad in [
            #"{"policyArn": "\#(Self.view)"}"#, #"{"policyArn": "x", "accessScope": {"type": "cluster"}}"#,
            #"{"policyArn": "\#(Self.view)", "accessScope": {"type": "namespace"}}"#,
            #"{"policyArn": "\#(Self.view)", "accessScope": {"type": "namespace", "namespaces": ["*x"]}}"#,
            #"{"policyArn": "\#(Self.view)", "accessScope": {"type": "planet"}}"#,
        ] { #expect(try await region.call(.post, list, bad).errorType == "InvalidParameterException", "\(bad)") }
        let one = list + "/" + EKSTestRegion.isolated(Self.view)
        #expect(try await region.call(.delete, one).status == 200)
        #expect(try await region.call(.delete, one).status == 404)
        #expect(try await region.call(.get, "/access-policies").text.contains("AmazonEKSClusterAdminPolicy"))
    }

    @Test func nothingNewWhileDeleting() async throws {
        let region = try await region()
        _ = try await region.call(.delete, "/clusters/demo")
        let answer = try await region.call(.post, "/clusters/demo/access-entries", #"{"principalArn": "\#(Self.anna)"}"#)
        #expect(answer.errorType == "InvalidRequestException")
    }

    @Test func rolesOfPrincipals() async throws {
        let region = try await region()
        let owner = try await region.principal("owner", .owner)
        let viewer = try await region.principal("viewer", .viewer)
        let worker = try await region.principal("worker", .operator)
        try await region.createCluster("own", as: owner)
        #expect(try await region.call(.get, "/clusters", as: owner).strings("clusters") == ["own"])
        #expect(try await region.call(.get, "/clusters", as: viewer).strings("clusters") == ["demo", "own"])
        #expect(try await region.call(.get, "/clusters/own", as: owner).status == 200)
        let denied = try await region.call(.delete, "/clusters/demo", as: owner)
        #expect(denied.status == 403)
        #expect(denied.errorType == "AccessDeniedException")
        #expect(
            denied["message"]
                == "User: arn:aws:iam::000000000000:user/owner is not authorized to perform: eks:DeleteCluster on resource: arn:aws:eks:local-1:000000000000:cluster/demo"
        )
        #expect(try await region.call(.get, "/clusters/demo", as: viewer).status == 200)
        #expect(try await region.call(.post, "/clusters", EKSTestRegion.createBody("x"), as: viewer).status == 403)
        #expect(try await region.call(.delete, "/clusters/own", as: viewer).status == 403)
        #expect(try await region.call(.post, Self.path, "{}", as: viewer).status == 403)
        #expect(try await region.call(.delete, "/clusters/own", as: worker).status == 200)
    }

    /// AWS: an ARN stands for the unique id that it had when it was written down.
    @Test func aNameThatIsTakenAgainInheritsNothing() async throws {
        let region = try await region()
        let old = try await region.principal("owner", .owner)
        try await region.createCluster("own", as: old)
        _ = try await region.call(.post, "/clusters/demo/access-entries", #"{"principalArn": "\#(Self.anna)"}"#)
        for name in ["owner", "anna"] { try await region.identity.deletePrincipal(name) }
        #expect(try await region.call(.get, "/clusters", as: old).status == 403)

        let new = try await region.principal("owner", .owner)
        #expect(try await region.call(.get, "/clusters", as: new).strings("clusters") == [])
        #expect(try await region.call(.get, "/clusters/own", as: new).errorType == "AccessDeniedException")
        #expect(try await region.call(.delete, "/clusters/own", as: new).status == 403)
        let store = region.store
        let key = StoreKeys.accessEntry(
            "arn:aws:iam::000000000000:user/owner", of: try ClusterName("own"), in: CellName(rawValue: "a"))
        let entry = try #require(try await store.get(AccessEntry.self, key)?.value)
        let owner = try #require(try await region.identity.principal("owner"))
        #expect(entry.principalID != nil && entry.principalID != owner.userID)

        _ = try await region.principal("anna", .viewer)
        let again = try await region.call(.post, "/clusters/demo/access-entries", #"{"principalArn": "\#(Self.anna)"}"#)
        #expect(again.errorType == "ResourceInUseException" && again.text.contains("former user"), "\(again.text)")
        #expect(try await region.call(.delete, Self.path).status == 200)
        #expect(try await region.call(.post, "/clusters/demo/access-entries", #"{"principalArn": "\#(Self.anna)"}"#).status == 200)
    }

    @Test func everyCallIsAudited() async throws {
        let region = try await region()
        _ = try await region.call(.get, "/clusters/nothing", edit: { $0[.userAgent] = "test/1" })
        _ = try await region.send(.get, "/clusters")
        let records = region.audit.records.suffix(2)
        let failed = try #require(records.first)
        #expect(failed.operation == "DescribeCluster")
        #expect(failed.principalARN == "arn:aws:iam::000000000000:user/admin")
        #expect(failed.accessKeyID == region.admin.accessKeyID)
        #expect(failed.resource == "nothing")
        #expect(failed.status == 404)
        #expect(failed.errorCode == "ResourceNotFoundException")
        #expect(failed.userAgent == "test/1")
        let anonymous = try #require(records.last)
        #expect(anonymous.principalARN == nil)
        #expect(anonymous.status == 403)
        let all = String(decoding: try JSONEncoder().encode(region.audit.records), as: UTF8.self)
        #expect(!all.contains(region.admin.secretAccessKey))
        #expect(!all.contains("Signature="))
    }
}
