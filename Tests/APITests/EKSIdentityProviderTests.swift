import ClusterService
import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Identity
import SignatureV4
import Testing
import Timing

@Suite struct EKSIdentityProviderTests {
    private static let base = "/clusters/demo/identity-provider-configs"
    private static let reference = #"{"identityProviderConfig":{"type":"oidc","name":"corp"}}"#

    private static let issuer = "https://login.example.com/a"

    private func body(_ more: String = "", name: String = "corp", issuer: String = Self.issuer, rest: String = "") -> String {
        #"{"oidc":{"identityProviderConfigName":"\#(name)","issuerUrl":"\#(issuer)","clientId":"kubernetes"\#(more)}\#(rest)}"#
    }

    /// A region with the active cluster `demo`.
    private func region() async throws -> EKSTestRegion {
        let region = try await EKSTestRegion()
        try await region.createCluster("demo")
        let now = region.time.now
        try await change(region) {
            $0.status.phase = .active
            $0.status.activeSince = now
            $0.status.endpoint = "https://100.66.0.2"
        }
        return region
    }

    private func change(_ region: EKSTestRegion, _ body: @escaping @Sendable (inout Cluster) -> Void) async throws {
        let stored = try #require(try await region.cluster("demo"))
        _ = try await region.store.update(Cluster.self, stored.storeKey) { cluster in
            var new = cluster
            body(&new)
            return new
        }
    }

    /// Stands in for the controllers: the update is done.
    private func settle(_ region: EKSTestRegion) async throws {
        try await change(region) { cluster in
            cluster.spec.update = nil
            cluster.status.phase = .active
        }
    }

    private func describe(_ region: EKSTestRegion) async throws -> EKSAnswer {
        try await region.call(.post, "\(Self.base)/describe", Self.reference)
    }

    @Test func anAssociationIsAnUpdateOfAPIServers() async throws {
        let region = try await region()
        let before = try #require(try await region.cluster("demo"))
        let names = #","usernameClaim":"email","usernamePrefix":"-","groupsClaim":"groups","groupsPrefix":"oidc:""#
        let more = names + #","requiredClaims":{"hd":"a.b"}"#
        let wanted = body(more, rest: #","tags":{"team":"a"},"clientRequestToken":"t""#)
        let answer = try await region.call(.post, "\(Self.base)/associate", wanted)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer["update", "type"] == "AssociateIdentityProviderConfig" && answer["update", "status"] == "InProgress")
        #expect(answer["update", "params", "0", "type"] == "IdentityProviderConfig")
        #expect(answer["update", "params", "0", "value"] == #"[{"type":"oidc","name":"corp"}]"#)
        #expect(answer["tags", "team"] == "a")
        #expect(try await region.call(.post, "\(Self.base)/associate", wanted).text == answer.text, "the same token gives the same update")

        let cluster = try #require(try await region.cluster("demo"))
        #expect(cluster.spec.controlPlane.revision(of: .apiServer) == before.spec.controlPlane.revision(of: .apiServer) + 1)
        #expect(cluster.spec.controlPlane.revision(of: .etcd) == before.spec.controlPlane.revision(of: .etcd))
        #expect(cluster.spec.update?.id == answer["update", "id"] && cluster.spec.update?.strategy == .blueGreen)
        #expect(cluster.status.phase == .updating)

        let described = try await describe(region)
        #expect(described.status == 200)
        #expect(described["identityProviderConfig", "oidc", "status"] == "CREATING")
        try await settle(region)
        let active = try await describe(region)
        let said = [
            "identityProviderConfigName": "corp", "clusterName": "demo", "issuerUrl": Self.issuer, "clientId": "kubernetes",
            "usernameClaim": "email", "usernamePrefix": "-", "groupsClaim": "groups", "groupsPrefix": "oidc:", "status": "ACTIVE",
        ]
        for (member, value) in said { #expect(active["identityProviderConfig", "oidc", member] == value, "\(member)") }
        #expect(active["identityProviderConfig", "oidc", "requiredClaims", "hd"] == "a.b")
        let arn = try #require(active["identityProviderConfig", "oidc", "identityProviderConfigArn"])
        let form = try Regex("arn:aws:eks:local-1:000000000000:identityproviderconfig/demo/oidc/corp/[0-9a-f-]{36}")
        #expect(arn.wholeMatch(of: form) != nil)
        let list = try await region.call(.get, Self.base)
        #expect(list.text == #"{"identityProviderConfigs":[{"name":"corp","type":"oidc"}]}"#)
    }

    @Test func aClusterHasOneAtMost() async throws {
        let region = try await region()
        #expect(try await region.call(.post, "\(Self.base)/associate", body()).status == 200)
        let busy = try await region.call(.post, "\(Self.base)/associate", body(name: "other"))
        #expect(busy.status == 409 && busy.errorType == "ResourceInUseException", "one update at a time")
        try await settle(region)
        let same = try await region.call(.post, "\(Self.base)/associate", body())
        #expect(same.status == 409 && same.errorType == "ResourceInUseException")
        let second = try await region.call(.post, "\(Self.base)/associate", body(name: "other"))
        #expect(second.status == 400 && second.errorType == "InvalidRequestException")
        #expect(second["message"]?.contains("corp already") == true)
    }

    @Test func itCanBeTakenAway() async throws {
        let region = try await region()
        #expect(try await region.call(.post, "\(Self.base)/disassociate", Self.reference).errorType == "ResourceNotFoundException")
        _ = try await region.call(.post, "\(Self.base)/associate", body())
        #expect(try await region.call(.post, "\(Self.base)/disassociate", Self.reference).errorType == "ResourceInUseException")
        try await settle(region)
        let before = try #require(try await region.cluster("demo")).spec.controlPlane.apiServerRevision
        let answer = try await region.call(.post, "\(Self.base)/disassociate", Self.reference)
        #expect(answer["update", "type"] == "DisassociateIdentityProviderConfig" && answer["update", "status"] == "InProgress")
        #expect(try await region.cluster("demo")?.spec.controlPlane.apiServerRevision == before + 1)
        #expect(try await describe(region)["identityProviderConfig", "oidc", "status"] == "DELETING")
        try await settle(region)
        let gone = try await describe(region)
        #expect(gone.status == 404 && gone.errorType == "ResourceNotFoundException")
        #expect(try await region.call(.get, Self.base).text == #"{"identityProviderConfigs":[]}"#)
        #expect(try await region.call(.post, "\(Self.base)/associate", body()).status == 200, "another may follow")
    }

    /// What goes back is what it was before; tags that were changed meanwhile stay.
    @Test func anUpdateThatGoesBackTakesItAlong() async throws {
        let region = try await region()
        let caller = try #require(try await region.identity.find(accessKeyID: region.admin.accessKeyID)).principal
        _ = try await region.call(.post, "\(Self.base)/associate", body())
        _ = try await region.clusters.cancelUpdate(nil, of: "demo", as: caller)
        #expect(try await describe(region).status == 404)
        try await settle(region)

        _ = try await region.call(.post, "\(Self.base)/associate", body(rest: #","tags":{"a":"1"}"#))
        try await settle(region)
        let arn = try #require(try await describe(region)["identityProviderConfig", "oidc", "identityProviderConfigArn"])
        let logging = #"{"logging":{"clusterLogging":[{"types":["api"],"enabled":true}]}}"#
        #expect(try await region.call(.post, "/clusters/demo/update-config", logging).status == 200)
        #expect(try await region.call(.post, "/tags/" + EKSTestRegion.isolated(arn), #"{"tags":{"b":"2"}}"#).status == 200)
        _ = try await region.clusters.cancelUpdate(nil, of: "demo", as: caller)
        let described = try await describe(region)
        #expect(described["identityProviderConfig", "oidc", "status"] == "ACTIVE")
        #expect(described["identityProviderConfig", "oidc", "tags", "b"] == "2")

        try await settle(region)
        _ = try await region.call(.post, "\(Self.base)/disassociate", Self.reference)
        _ = try await region.clusters.cancelUpdate(nil, of: "demo", as: caller)
        #expect(try await describe(region)["identityProviderConfig", "oidc", "status"] == "ACTIVE")
    }

    @Test func itHasTags() async throws {
        let region = try await region()
        _ = try await region.call(.post, "\(Self.base)/associate", body(rest: #","tags":{"a":"1"}"#))
        let arn = try #require(try await describe(region)["identityProviderConfig", "oidc", "identityProviderConfigArn"])
        let path = "/tags/" + EKSTestRegion.isolated(arn)
        #expect(try await region.call(.get, path).text == #"{"tags":{"a":"1"}}"#)
        #expect(try await region.call(.post, path, #"{"tags":{"b":"2"}}"#).status == 200)
        #expect(try await region.call(.delete, path + "?tagKeys=a").status == 200)
        #expect(try await region.call(.get, path).text == #"{"tags":{"b":"2"}}"#)
        #expect(try await region.call(.get, "/clusters/demo")["cluster", "tags", "b"] == nil)
        let other = path.dropLast(4) + "0000"
        #expect(try await region.call(.get, String(other)).errorType == "NotFoundException")
    }

    @Test(arguments: [
        "{}", #"{"oidc":{}}"#, #"{"oidc":{"identityProviderConfigName":"a","clientId":"b"}}"#,
        #"{"oidc":{"identityProviderConfigName":"a","issuerUrl":"https://a.b"}}"#,
        #"{"oidc":{"issuerUrl":"https://a.b","clientId":"c"}}"#,
    ])
    func whatIsRequiredIsRequired(_ text: String) async throws {
        let region = try await region()
        let answer = try await region.call(.post, "\(Self.base)/associate", text)
        #expect(answer.status == 400 && answer.errorType == "InvalidParameterException", "\(answer.text)")
        #expect(answer["message"]?.contains("is required") == true)
    }

    @Test(arguments: [
        "http://login.example.com", "login.example.com", "https://", "https://a.b?x=1", "https://a.b/#x", "https://u:p@a.b", "https://a b",
        "https://a.b:99999", "https://a.b/.well-known/openid-configuration", "https://100.66.0.2", "https://ä.b",
        "https://127.0.0.1:8443", "https://LocalHost/x", "https://[::1]:8443",
    ])
    func otherIssuersAreRefused(_ issuer: String) async throws {
        try await refuses(body(issuer: issuer))
    }

    @Test(arguments: [
        #","usernamePrefix":"system:""#, #","groupsPrefix":"x-System:y""#, #","groupsPrefix":"eks:""#, #","usernamePrefix":"aws:a""#,
        #","requiredClaims":{"":"a"}"#, #","requiredClaims":{"a":""}"#, #","requiredClaims":{"a=b":"c"}"#,
        #","requiredClaims":{"\#(String(repeating: "k", count: 64))":"c"}"#,
        #","requiredClaims":{"k":"\#(String(repeating: "v", count: 254))"}"#,
        #","usernameClaim":"a\nb""#, #","groupsClaim":"\#(String(repeating: "g", count: 256))""#,
    ])
    func whatIsReservedOrTooLongIsRefused(_ more: String) async throws {
        try await refuses(body(more))
    }

    @Test(arguments: ["-a", "a/b", "a b", "ä", String(repeating: "a", count: 101)]) func otherNamesAreRefused(_ name: String) async throws {
        try await refuses(body(name: name))
    }

    private func refuses(_ text: String) async throws {
        let region = try await region()
        let before = try await region.cluster("demo")
        let answer = try await region.call(.post, "\(Self.base)/associate", text)
        #expect(answer.status == 400 && answer.errorType == "InvalidParameterException", "\(answer.text)")
        #expect(try await region.cluster("demo") == before)
    }

    @Test func otherReferencesAreRefused() async throws {
        let region = try await region()
        _ = try await region.call(.post, "\(Self.base)/associate", body())
        for text in ["{}", #"{"identityProviderConfig":{"type":"saml","name":"corp"}}"#, #"{"identityProviderConfig":{"type":"oidc"}}"#] {
            #expect(try await region.call(.post, "\(Self.base)/describe", text).errorType == "InvalidParameterException", "\(text)")
        }
        let other = try await region.call(.post, "\(Self.base)/describe", #"{"identityProviderConfig":{"type":"oidc","name":"other"}}"#)
        #expect(other.status == 404 && other.errorType == "ResourceNotFoundException")
        #expect(try await region.call(.get, "/clusters/none/identity-provider-configs").errorType == "ResourceNotFoundException")
    }

    @Test func rightsAreThoseOfTheCluster() async throws {
        let region = try await region()
        let viewer = try await region.principal("anna", .viewer)
        #expect(try await region.call(.post, "\(Self.base)/associate", body(), as: viewer).status == 403)
        #expect(try await region.call(.post, "\(Self.base)/associate", body()).status == 200)
        #expect(try await region.call(.post, "\(Self.base)/describe", Self.reference, as: viewer).status == 200)
        #expect(try await region.call(.get, Self.base, as: viewer).status == 200)
        let refused = try await region.call(.post, "\(Self.base)/disassociate", Self.reference, as: viewer)
        #expect(refused.status == 403 && refused["message"]?.contains("eks:DisassociateIdentityProviderConfig") == true)
        #expect(region.audit.records.contains { $0.operation == "AssociateIdentityProviderConfig" && $0.status == 200 })
        let stranger = try await region.principal("otto", .owner)
        #expect(try await region.call(.get, Self.base, as: stranger).status == 403)
    }

    @Test func aClusterThatNeverServedHasToWait() async throws {
        let region = try await EKSTestRegion()
        try await region.createCluster("demo")
        #expect(try await region.call(.post, "\(Self.base)/associate", body()).errorType == "ResourceInUseException")
    }
}
