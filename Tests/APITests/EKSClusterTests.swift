import ClusterService
import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Identity
import SignatureV4
import Testing
import Timing

@Suite struct EKSClusterTests {
    @Test func createWritesAllAtOnce() async throws {
        let region = try await EKSTestRegion()
        let answer = try await region.createCluster("demo", #""version": "1.20", "tags": {"team": "x"}"#)
        #expect(answer["cluster", "status"] == "CREATING")
        #expect(answer["cluster", "arn"] == "arn:aws:eks:local-1:000000000000:cluster/demo")
        #expect(answer["cluster", "version"] == "1.20")
        #expect(answer["cluster", "platformVersion"] == "eks.2")
        #expect(answer["cluster", "createdAt"] == "1767225600")
        let name = try ClusterName("demo")
        let cell = CellName(rawValue: "a")
        let stored = try #require(try await region.store.get(Cluster.self, StoreKeys.cluster(name, in: cell))).value
        #expect(stored.spec.controlPlane.release.rawValue == "1.20.15-eks.2")
        #expect(stored.spec.controlPlane.zones.map(\.rawValue) == ["local-1a", "local-1b", "local-1c"])
        #expect(stored.spec.settings.subnetIDs == ["subnet-local-1a", "subnet-local-1b", "subnet-local-1c"])
        #expect(stored.spec.controlPlane.network.block.description == "100.66.0.0/27")
        #expect(try await region.store.get(StoreKeys.clusterIndex(name))?.value == Array("a".utf8))
        #expect(try await region.store.get(StoreKeys.networkSlot(0))?.value == Array(stored.metadata.uid.utf8))
        let entries = try await region.call(.get, "/clusters/demo/access-entries")
        #expect(entries.strings("accessEntries") == ["arn:aws:iam::000000000000:user/admin"])
    }

    @Test func defaultsAndDescribe() async throws {
        let region = try await EKSTestRegion()
        try await region.createCluster("demo")
        try await region.activate("demo", endpoint: "https://100.66.0.2", authority: "PEM")
        let answer = try await region.call(.get, "/clusters/demo")
        #expect(answer["cluster", "status"] == "ACTIVE")
        #expect(answer["cluster", "version"] == "1.33")
        #expect(answer["cluster", "endpoint"] == "https://100.66.0.2")
        #expect(answer["cluster", "certificateAuthority", "data"] == Data("PEM".utf8).base64EncodedString())
        #expect(answer["cluster", "identity", "oidc", "issuer"] == "https://100.66.0.2")
        #expect(answer["cluster", "kubernetesNetworkConfig", "serviceIpv4Cidr"] == "10.100.0.0/16")
        #expect(answer["cluster", "accessConfig", "authenticationMode"] == "API_AND_CONFIG_MAP")
        #expect(answer["cluster", "upgradePolicy", "supportType"] == "EXTENDED")
    }

    @Test func withoutCreatorAccess() async throws {
        let region = try await EKSTestRegion()
        try await region.createCluster("demo", #""accessConfig": {"bootstrapClusterCreatorAdminPermissions": false}"#)
        #expect(try await region.call(.get, "/clusters/demo/access-entries").strings("accessEntries") == [])
    }

    @Test func zonalShiftIsSwitchedOnAndOff() async throws {
        let region = try await EKSTestRegion()
        try await region.createCluster("demo")
        // As in EKS it is said when somebody has said it: a tool that compares would else see a difference for ever.
        #expect(try await !region.call(.get, "/clusters/demo").text.contains("zonalShiftConfig"))
        let on = #"{"zonalShiftConfig": {"enabled": true}}"#
        let update = try await region.call(.post, "/clusters/demo/update-config", on)
        #expect(update["update", "type"] == "ZonalShiftConfigUpdate" && update["update", "status"] == "Successful")
        #expect(update.text.contains(#""type":"ZonalShiftConfig""#))
        #expect(try await region.call(.get, "/clusters/demo")["cluster", "zonalShiftConfig", "enabled"] == "1")
        for body in [on, #"{"zonalShiftConfig": {}}"#, #"{"zonalShiftConfig": {"enabled": false}, "deletionProtection": true}"#] {
            #expect(try await region.call(.post, "/clusters/demo/update-config", body).errorType == "InvalidParameterException")
        }
        #expect(try await region.call(.post, "/clusters/demo/update-config", #"{"zonalShiftConfig": {"enabled": false}}"#).status == 200)
        #expect(try await region.call(.get, "/clusters/demo")["cluster", "zonalShiftConfig", "enabled"] == "0")
    }

    /// Its configuration cannot be changed any more, so protection would keep it for ever.
    @Test func whatHasNeverComeUpIsDeletedAllTheSame() async throws {
        let region = try await EKSTestRegion()
        try await region.createCluster("kept", #""deletionProtection": true"#)
        let key = StoreKeys.cluster(try ClusterName("kept"), in: CellName(rawValue: "a"))
        _ = try await region.store.update(Cluster.self, key) { cluster in
            var new = cluster
            new.status.phase = .failed
            return new
        }
        #expect(try await region.call(.delete, "/clusters/kept").status == 200)
    }

    @Test func deleteAndProtection() async throws {
        let region = try await EKSTestRegion()
        try await region.createCluster("kept", #""deletionProtection": true"#)
        let refused = try await region.call(.delete, "/clusters/kept")
        #expect(refused.status == 400)
        #expect(refused.errorType == "InvalidRequestException")
        let off = #"{"deletionProtection": false, "clientRequestToken": "t"}"#
        let update = try await region.call(.post, "/clusters/kept/update-config", off)
        #expect(update["update", "type"] == "DeletionProtectionUpdate")
        #expect(update["update", "status"] == "Successful")
        let repeated = try await region.call(.post, "/clusters/kept/update-config", off)
        #expect(repeated["update", "id"] == update["update", "id"])
        #expect(try await region.call(.get, "/clusters/kept/updates").strings("updateIds")?.count == 1)
        let other = try await region.call(.post, "/clusters/kept/update-config", #"{"logging": {}}"#)
        #expect(other.errorType == "InvalidParameterException")
        #expect(try await region.call(.delete, "/clusters/kept").status == 200)
        try await region.createCluster("demo")
        for _ in 0..<2 {
            let answer = try await region.call(.delete, "/clusters/demo")
            #expect(answer.status == 200)
            #expect(answer["cluster", "status"] == "DELETING")
        }
        let name = try ClusterName("demo")
        let stored = try #require(try await region.store.get(Cluster.self, StoreKeys.cluster(name, in: CellName(rawValue: "a")))).value
        #expect(stored.metadata.generation == 2)
        #expect(stored.metadata.deletionRequestedAt != nil)
        let again = try await region.call(.post, "/clusters", EKSTestRegion.createBody("demo"))
        #expect(again.status == 409)
        let missing = try await region.call(.delete, "/clusters/nothing")
        #expect(missing.status == 404)
        #expect(missing.errorType == "ResourceNotFoundException")
        #expect(missing["message"] == "No cluster found for name: nothing.")
        #expect(missing["clusterName"] == "nothing")
    }

    @Test func duplicatesAndTokens() async throws {
        let region = try await EKSTestRegion()
        let first = try await region.createCluster("demo", #""clientRequestToken": "t1""#)
        let again = try await region.call(.post, "/clusters", EKSTestRegion.createBody("demo", #""clientRequestToken": "t1""#))
        #expect(again.text == first.text)
        let other = try await region.call(
            .post, "/clusters", EKSTestRegion.createBody("demo", #""clientRequestToken": "t1", "version": "1.20""#))
        #expect(other.errorType == "InvalidParameterException")
        for token in [#""clientRequestToken": "t2""#, ""] {
            let answer = try await region.call(.post, "/clusters", EKSTestRegion.createBody("demo", token))
            #expect(answer.status == 409)
            #expect(answer.errorType == "ResourceInUseException")
        }
    }

    @Test func racingRequestsMakeOne() async throws {
        let region = try await EKSTestRegion()
        let answers = try await withThrowingTaskGroup(of: EKSAnswer.self) { group in
            for _ in 0..<16 {
                group.addTask {
                    try await region.call(.post, "/clusters", EKSTestRegion.createBody("demo", #""clientRequestToken": "t""#))
                }
            }
            return try await group.reduce(into: [EKSAnswer]()) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0.status == 200 })
        #expect(Set(answers.map(\.text)).count == 1)
        #expect(try await region.store.list(prefix: StoreKeys.networkSlots).values.count == 1)
    }

    @Test func manyAtOnceGetDifferentNetworksUntilThePoolIsFull() async throws {
        // Room for 16 clusters.
        let region = try await EKSTestRegion(pool: "100.66.0.0/23", cells: [CellName(rawValue: "a"), CellName(rawValue: "b")])
        let answers = try await withThrowingTaskGroup(of: EKSAnswer.self) { group in
            for index in 0..<20 {
                group.addTask { try await region.call(.post, "/clusters", EKSTestRegion.createBody("c\(index)")) }
            }
            return try await group.reduce(into: [EKSAnswer]()) { $0.append($1) }
        }
        #expect(answers.count { $0.status == 200 } == 16)
        #expect(answers.count { $0.errorType == "ResourceLimitExceededException" && $0.status == 400 } == 4)
        var blocks: Set<String> = []
        for cell in ["a", "b"] {
            let items = try await region.store.list(Cluster.self, prefix: StoreKeys.clusters(in: CellName(rawValue: cell))).items
            #expect(items.count > 0)
            for item in items { blocks.insert(item.value.spec.controlPlane.network.block.description) }
        }
        #expect(blocks.count == 16)
        #expect(try await region.call(.get, "/clusters").strings("clusters")?.count == 16)
    }

    @Test func pages() async throws {
        let region = try await EKSTestRegion()
        for index in 1...5 { try await region.createCluster("c\(index)") }
        var seen: [String] = []
        var query = "?maxResults=2"
        for page in 1...3 {
            let answer = try await region.call(.get, "/clusters\(query)")
            seen += answer.strings("clusters") ?? []
            guard let token = answer["nextToken"] else {
                #expect(page == 3)
                break
            }
            query = "?maxResults=2&nextToken=\(token)"
        }
        #expect(seen == ["c1", "c2", "c3", "c4", "c5"])
        for bad in ["maxResults=0", "maxResults=101", "maxResults=x", "nextToken=nonsense", "nextToken=eyJ4IjoxfQ"] {
            let answer = try await region.call(.get, "/clusters?\(bad)")
            #expect(answer.status == 400, "\(bad)")
            #expect(answer.errorType == "InvalidParameterException")
        }
    }

    @Test func versions() async throws {
        let region = try await EKSTestRegion()
        let answer = try await region.call(.get, "/cluster-versions")
        #expect(answer.text.contains(#""clusterVersion":"1.33""#))
        #expect(answer.text.contains(#""kubernetesPatchVersion":"1.20.15""#))
        let old = try await region.call(.get, "/cluster-versions?clusterVersions=1.20")
        #expect(!old.text.contains("1.33"))
        #expect(old.text.contains(#""defaultPlatformVersion":"eks.2""#))
        #expect(!(try await region.call(.get, "/cluster-versions?defaultOnly=true")).text.contains("1.20"))
        #expect(try await region.call(.get, "/cluster-versions?defaultOnly=maybe").status == 400)
    }

    @Test func updates() async throws {
        let region = try await EKSTestRegion()
        try await region.createCluster("demo")
        #expect(try await region.call(.get, "/clusters/demo/updates").strings("updateIds") == [])
        let id = "0f0e0d0c-0b0a-0908-0706-050403020100"
        #expect(try await region.call(.get, "/clusters/demo/updates/\(id)").status == 404)
        try await region.store.create(
            ClusterUpdate(
                id: id, cluster: try ClusterName("demo"), cell: CellName(rawValue: "a"), status: .inProgress, type: "VersionUpdate",
                parameters: ["Version": "1.33"], createdAt: region.time.now))
        #expect(try await region.call(.get, "/clusters/demo/updates").strings("updateIds") == [id])
        let update = try await region.call(.get, "/clusters/demo/updates/\(id)")
        #expect(update["update", "status"] == "InProgress")
        #expect(try await region.call(.get, "/clusters/demo/updates?nodegroupName=x").status == 404)
    }

    @Test func tags() async throws {
        let region = try await EKSTestRegion()
        try await region.createCluster("demo", #""tags": {"a": "1"}"#)
        let path = "/tags/" + EKSTestRegion.isolated("arn:aws:eks:local-1:000000000000:cluster/demo")
        #expect(try await region.call(.post, path, #"{"tags": {"b": "2", "a": "3"}}"#).status == 200)
        #expect(try await region.call(.delete, "\(path)?tagKeys=a").status == 200)
        let answer = try await region.call(.get, path)
        #expect(answer.text == #"{"tags":{"b":"2"}}"#)
        #expect(try await region.call(.post, path, #"{"tags": {"aws:x": "2"}}"#).errorType == "BadRequestException")
        let many = (0..<50).map { #""k\#($0)": "v""# }.joined(separator: ",")
        #expect(try await region.call(.post, path, #"{"tags": {\#(many)}}"#).errorType == "BadRequestException")
        let missing = try await region.call(.get, "/tags/" + EKSTestRegion.isolated("arn:aws:eks:local-1:000000000000:cluster/x"))
        #expect(missing.status == 404)
        #expect(missing.errorType == "NotFoundException")
        let wrong = try await region.call(.get, "/tags/" + EKSTestRegion.isolated("arn:aws:s3:::bucket"))
        #expect(wrong.errorType == "BadRequestException")
    }
}
