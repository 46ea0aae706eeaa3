import FleetModel
import FleetStore
import Foundation
import Identity
import SignatureV4
import SlipwayClient
import Testing
import Timing

struct OperatorAPITests {
    @Test func aClusterIsMadeSeenAndDeleted() async throws {
        let region = try await OperatorTestRegion()
        try await region.serve { client in
            let admin = client(region.eks.admin)
            #expect(try await admin.clusters().isEmpty)
            let made = try await admin.createCluster(ClusterRequest(name: "demo", tags: ["team": "red"]))
            #expect(made.status == "CREATING" && made.tags == ["team": "red"] && made.zones == region.eks.region.zones.map(\.rawValue))
            #expect(try await admin.clusters().map(\.name) == ["demo"])
            #expect(try await admin.cluster("demo").arn == "arn:aws:eks:local-1:000000000000:cluster/demo")
            #expect(try await admin.deleteCluster("demo").deletionRequestedAt != nil)
            #expect(region.eks.audit.records.map(\.operation).contains("DeleteCluster"))
        }
    }

    @Test func errorsCarryTheirCode() async throws {
        let region = try await OperatorTestRegion()
        try await region.serve { client in
            let admin = client(region.eks.admin)
            await expect("ResourceNotFoundException") { try await admin.cluster("none") }
            await expect("ResourceNotFoundException") { try await admin.keys(user: "none") }
            await expect("InvalidParameterException") { try await admin.createCluster(ClusterRequest(name: "-no")) }
            await expect("InvalidParameterException") { try await admin.createCluster(ClusterRequest(name: "a", zones: ["nowhere"])) }
            await expect("InvalidParameterException") { try await admin.createUser(UserRequest(name: "a", role: "king")) }
            // Each layer's own error has its answer: one that answered itself would never come back.
            await expect("InvalidParameterException") { try await admin.createUser(UserRequest(name: "a b", role: "viewer")) }
            await expect("ResourceNotFoundException") { try await admin.deleteUser("none") }
            _ = try await admin.createUser(UserRequest(name: "anna", role: "viewer"))
            await expect("ResourceInUseException") { try await admin.createUser(UserRequest(name: "anna", role: "viewer")) }
            for _ in 0..<2 { _ = try await admin.createKey(user: "anna") }
            await expect("ResourceLimitExceededException") { try await admin.createKey(user: "anna") }
            _ = try await admin.createCluster(ClusterRequest(name: "demo"))
            await expect("ResourceInUseException") { try await admin.createCluster(ClusterRequest(name: "demo")) }
            await expect("ResourceInUseException") { try await admin.kubeconfig(of: "demo") }
            await expect("RequestEntityTooLargeException") {
                try await admin.createCluster(ClusterRequest(name: "a", tags: ["x": String(repeating: "x", count: 100_000)]))
            }
        }
    }

    @Test func strangersAreTurnedAway() async throws {
        let region = try await OperatorTestRegion()
        try await region.serve { client in
            var wrong = region.eks.admin
            wrong.secretAccessKey += "x"
            let forged = wrong
            await expect("InvalidSignatureException") { try await client(forged).clusters() }
            let nobody = Credential(accessKeyID: "AKIANOBODY", secretAccessKey: "x")
            await expect("UnrecognizedClientException") { try await client(nobody).clusters() }
        }
    }

    @Test func rolesAreKept() async throws {
        let region = try await OperatorTestRegion()
        let viewer = try await region.eks.principal("viewer", .viewer)
        let owner = try await region.eks.principal("owner", .owner)
        try await region.serve { client in
            _ = try await client(region.eks.admin).createCluster(ClusterRequest(name: "others"))
            _ = try await client(owner).createCluster(ClusterRequest(name: "own"))
            #expect(try await client(owner).clusters().map(\.name) == ["own"])
            #expect(try await client(viewer).clusters().map(\.name) == ["others", "own"])
            await expect("AccessDeniedException") { try await client(owner).cluster("others") }
            await expect("AccessDeniedException") { try await client(viewer).createCluster(ClusterRequest(name: "x")) }
            await expect("AccessDeniedException") { try await client(viewer).kubeconfig(of: "own") }
            await expect("AccessDeniedException") { try await client(owner).users() }
        }
    }

    @Test func usersAndKeysComeAndGo() async throws {
        let region = try await OperatorTestRegion()
        try await region.serve { client in
            let admin = client(region.eks.admin)
            let user = try await admin.createUser(UserRequest(name: "ada", role: "owner"))
            #expect(user.arn == "arn:aws:iam::000000000000:user/ada")
            let key = try await admin.createKey(user: "ada")
            let ada = client(Credential(accessKeyID: key.id, secretAccessKey: key.secret))
            #expect(try await ada.clusters().isEmpty)
            #expect(try await admin.keys(user: "ada").map(\.id) == [key.id])
            try await admin.deleteKey(key.id, user: "ada")
            await expect("UnrecognizedClientException") { try await ada.clusters() }
            try await admin.deleteUser("ada")
            #expect(try await admin.users().map(\.name) == ["admin"])
        }
    }

    @Test func theWatchTellsEachStateUntilTheClusterIsGone() async throws {
        let region = try await OperatorTestRegion()
        let store = region.eks.store
        try await region.serve { client in
            let admin = client(region.eks.admin)
            _ = try await admin.createCluster(ClusterRequest(name: "demo"))
            let key = StoreKeys.cluster(try ClusterName("demo"), in: CellName(rawValue: "a"))
            var states: [String] = []
            try await admin.watchCluster("demo") { line in
                guard let state = line.cluster?.status else {
                    if line.isGone { states.append("gone") }
                    return true
                }
                states.append(state)
                if state == "CREATING" { try await region.eks.activate("demo", endpoint: "https://100.66.0.2", authority: "x") }
                if state == "ACTIVE", let stored = try await store.get(Cluster.self, key) { try await store.remove(stored) }
                return true
            }
            #expect(states == ["CREATING", "ACTIVE", "gone"])
        }
    }

    @Test func theKubeconfigHoldsAnAdministratorsCertificate() async throws {
        let region = try await OperatorTestRegion()
        try await region.serve { client in
            let admin = client(region.eks.admin)
            _ = try await admin.createCluster(ClusterRequest(name: "demo"))
            try await region.eks.activate("demo", endpoint: "https://100.66.0.2", authority: "PEM")
            let answer = try await admin.kubeconfig(of: "demo")
            #expect(answer.kubeconfig.contains("https://100.66.0.2") && answer.kubeconfig.contains("client-certificate-data"))
            #expect(answer.expiresAt > region.eks.time.now)
        }
    }

    @Test func aRegionThatIsNotThereIsSaid() async throws {
        let client = OperatorClient(
            endpoint: "http://127.0.0.1:1", region: "local-1", credentials: ClientCredentials(accessKeyID: "a", secretAccessKey: "b"))
        await expect(OperatorClientError.unreachable) { try await client.clusters() }
    }

    private func expect<Answer>(
        _ code: String, _ location: SourceLocation = #_sourceLocation, _ body: () async throws -> Answer
    ) async {
        do {
            _ = try await body()
            Issue.record("\(code) was expected", sourceLocation: location)
        } catch let error as OperatorClientError {
            #expect(error.code == code, "\(error)", sourceLocation: location)
        } catch {
            Issue.record("\(error)", sourceLocation: location)
        }
    }
}
