import Foundation
import Testing

extension WholeRegion {
    /// Two clusters from birth to death, as their owners and their operator see them.
    @Suite(.timeLimit(.minutes(10)))
    struct ClusterJourneyTests {
        @Test func twoClustersLiveApartAndDieWithoutTrace() async throws {
            try await RegionFixture.with(0) { region in
                try await region.importRelease()
                try await region.up().required()
                let admin = try await region.environment()
                try await create(region, admin)
                let owner = try await KubernetesUser.make("owner", cluster: "alpha", region: region, environment: admin)
                try await useAsOwner(owner)
                try await useAsOthers(region, owner)
                try await triesToReachTheOther(region)
                try await crashEverything(region, owner)
                try await seenFromOutside(region)
                try await downAndUp(region, owner)
                try await delete(region, admin)
            }
        }

        /// One by boto3, one by the program, at the same time.
        private func create(_ region: RegionFixture, _ environment: [String: String]) async throws {
            let script = """
                import boto3
                eks = boto3.client("eks")
                role = "arn:aws:iam::000000000000:role/eks"
                made = eks.create_cluster(name="alpha", roleArn=role, resourcesVpcConfig={"subnetIds": []})["cluster"]
                assert made["status"] == "CREATING", made
                eks.get_waiter("cluster_active").wait(name="alpha", WaiterConfig={"Delay": 1, "MaxAttempts": 240})
                seen = eks.describe_cluster(name="alpha")["cluster"]
                assert seen["status"] == "ACTIVE" and seen["endpoint"].startswith("https://"), seen
                assert "alpha" in eks.list_clusters()["clusters"]
                """
            async let other = region.slipway("cluster", "create", "beta", "--output", "json")
            let run = try await CommandRun.run("python3", ["-c", script], environment: environment)
            try run.required()
            let beta = try await other.required()
            #expect(beta.output.contains("\"ACTIVE\""))
            #expect(beta.errors.contains("done"), "each step is told: \(beta.errors)")
        }

        private func useAsOwner(_ owner: KubernetesUser) async throws {
            try await eventually("the owner logs in") { try await owner.kubectl("get", "namespaces").succeeded }
            try await owner.kubectl("create", "configmap", "kept", "--from-literal=a=b").required()
            let read = try await owner.kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.a}").required()
            #expect(read.output == "b")
        }

        /// A user with the view policy reads and does not write; a user without an entry gets 401.
        private func useAsOthers(_ region: RegionFixture, _ owner: KubernetesUser) async throws {
            struct Key: Decodable { var id, secret: String }
            func user(_ name: String) async throws -> KubernetesUser {
                try await region.slipway("user", "create", name, "--role", "owner").required()
                let key = try await region.slipway("user", "key", "create", name, "--output", "json").required().json(Key.self)
                return owner.impersonating(key: key.id, secret: key.secret)
            }
            let viewer = try await user("viewer")
            let stranger = try await user("stranger")
            let principal = "arn:aws:iam::000000000000:user/viewer"
            try await CommandRun.run(
                "aws", ["eks", "create-access-entry", "--cluster-name", "alpha", "--principal-arn", principal],
                environment: owner.environment
            ).required()
            try await CommandRun.run(
                "aws",
                [
                    "eks", "associate-access-policy", "--cluster-name", "alpha", "--principal-arn", principal, "--policy-arn",
                    "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy", "--access-scope", "type=cluster",
                ], environment: owner.environment
            ).required()
            try await eventually("the viewer reads") { try await viewer.kubectl("get", "configmap", "kept").succeeded }
            let write = try await viewer.kubectl("create", "configmap", "mine")
            #expect(!write.succeeded && write.errors.contains("forbidden"), "\(write.report)")
            let refused = try await stranger.kubectl("get", "namespaces")
            #expect(!refused.succeeded && refused.errors.contains("Unauthorized"), "\(refused.report)")
        }

        /// From inside each network namespace of beta, nothing of alpha answers.
        private func triesToReachTheOther(_ region: RegionFixture) async throws {
            let alpha = try await addresses(region, "alpha")
            let spaces = region.namespaces(of: "beta")
            #expect(!spaces.isEmpty)
            let mine = try await addresses(region, "beta")
            let (space, target) = (try #require(spaces.first { $0.hasSuffix("api-1") }), try #require(alpha.first))
            for port in ["443", "2379", "2380", "6443"] {
                for address in alpha {
                    let probe = try await CommandRun.run(
                        "ip", ["netns", "exec", space, "timeout", "1", "bash", "-c", "exec 3<>/dev/tcp/\(address)/\(port)"])
                    #expect(!probe.succeeded, "beta reaches alpha at \(address):\(port)")
                }
            }
            // The same probe does work inside the own network: it fails for the right reason above.
            let own = try await CommandRun.run(
                "ip", ["netns", "exec", space, "timeout", "5", "bash", "-c", "exec 3<>/dev/tcp/\(try #require(mine.last))/443"])
            #expect(own.succeeded, "beta does not reach its own endpoint: \(own.report); \(target)")
        }

        /// The load balancer's comes last.
        private func addresses(_ region: RegionFixture, _ cluster: String) async throws -> [String] {
            struct Detail: Decodable {
                struct Instance: Decodable { var name, address: String }
                var instances: [Instance]
            }
            let detail = try await region.slipway("cluster", "describe", cluster, "--output", "json").required().json(Detail.self)
            return detail.instances.sorted { a, b in b.name == "load-balancer" && a.name != "load-balancer" }.map(\.address)
        }

        /// Every kind of component is killed and comes back, with the manager dead; people log in meanwhile.
        private func crashEverything(_ region: RegionFixture, _ owner: KubernetesUser) async throws {
            try await region.service("slipway-server", "-d")
            try await eventually("the manager is dead") { try await region.serverProcess == nil }
            var seen: Set<String> = []
            let victims = try region.components().filter { $0.cluster == "alpha" && seen.insert($0.program).inserted }
            #expect(
                seen.isSuperset(of: ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "authenticator"]), "\(seen)")
            for victim in victims {
                kill(victim.process, SIGKILL)
                try await eventually("\(victim.name) is back", within: .seconds(15)) {
                    try region.components().contains { $0.name == victim.name && $0.process != victim.process }
                }
            }
            try await eventually("the owner logs in while the manager is dead") {
                try await owner.kubectl("get", "configmap", "kept").succeeded
            }
            try await region.service("slipway-server", "-u")
            try await eventually("the region is ready again") { try await region.isReady }
            try await eventually("alpha is well again") { try await Self.isWell("alpha", region) }
        }

        private func seenFromOutside(_ region: RegionFixture) async throws {
            let metrics = try await CommandRun.run("curl", ["-sf", "\(region.endpoint)/metrics"]).required().output
            for name in [
                "slipway_reconcile_seconds_count{kind=", "slipway_reconcile_errors_total", "slipway_queue_depth{kind=",
                "slipway_api_request_seconds_bucket{code=\"200\"", "slipway_clusters{status=\"ACTIVE\"} 2", "process_resident_memory_bytes",
            ] {
                #expect(metrics.contains(name), "\(name) is missing")
            }
            try await CommandRun.run("curl", ["-sf", "\(region.endpoint)/healthz"]).required()
            let audit = try String(contentsOfFile: "\(region.data)/audit.log", encoding: .utf8)
            #expect(audit.contains("CreateCluster") && audit.contains("CreateAccessEntry"))
        }

        private func downAndUp(_ region: RegionFixture, _ owner: KubernetesUser) async throws {
            try await region.slipway("dev", "down").required()
            #expect(try region.components().isEmpty)
            try await region.up().required()
            try await eventually("the object is still there", within: .seconds(120)) {
                try await owner.kubectl("get", "configmap", "kept").succeeded
            }
            try await eventually("both clusters are well") {
                let alpha = try await Self.isWell("alpha", region)
                let beta = try await Self.isWell("beta", region)
                return alpha && beta
            }
        }

        private func delete(_ region: RegionFixture, _ environment: [String: String]) async throws {
            async let beta = region.slipway("cluster", "delete", "beta")
            try await CommandRun.run("aws", ["eks", "delete-cluster", "--name", "alpha"], environment: environment).required()
            try await beta.required()
            try await eventually("alpha is gone") {
                try await region.slipway("cluster", "list", "--output", "json").required().output.contains("[\n\n]")
            }
            try await region.expectNothingLeft()
        }

        static func isWell(_ cluster: String, _ region: RegionFixture) async throws -> Bool {
            struct Detail: Decodable {
                struct Instance: Decodable { var state: String }
                var status: String
                var instances: [Instance]
            }
            let run = try await region.slipway("cluster", "describe", cluster, "--output", "json")
            guard run.succeeded, let detail = try? run.json(Detail.self) else { return false }
            return detail.status == "ACTIVE" && detail.instances.count == 6 && detail.instances.allSatisfy { $0.state == "ready" }
        }
    }
}
