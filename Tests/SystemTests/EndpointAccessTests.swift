import Foundation
import Testing

extension WholeRegion {
    /// Who reaches a cluster's endpoint, from its creation on and while it is changed.
    @Suite(.timeLimit(.minutes(10)))
    struct EndpointAccessTests {
        private struct Described: Decodable {
            struct Cluster: Decodable {
                struct VPC: Decodable {
                    var endpointPublicAccess: Bool
                    var endpointPrivateAccess: Bool
                    var publicAccessCidrs: [String]
                }
                var endpoint: String
                var resourcesVpcConfig: VPC
            }
            var cluster: Cluster
        }

        /// What all instances have delivered of a type of log.
        private func delivered(of type: String, in directory: String) throws -> String {
            let files = try FileManager.default.subpathsOfDirectory(atPath: "\(directory)/\(type)")
            return files.compactMap { try? String(contentsOfFile: "\(directory)/\(type)/\($0)", encoding: .utf8) }.joined()
        }

        @Test func onlyWhoIsAllowedReachesTheEndpoint() async throws {
            try await RegionFixture.with(7) { region in
                try await region.importRelease()
                try await region.up().required()
                let environment = try await region.environment()
                func aws(_ arguments: String...) async throws -> CommandRun {
                    try await CommandRun.run("aws", ["eks"] + arguments, environment: environment)
                }
                func change(_ config: String) async throws {
                    try await aws("update-cluster-config", "--name", "gate", "--resources-vpc-config", config).required()
                    try await region.slipway("update", "watch", "gate").required()
                }

                // From its first moment on: nobody from outside, but a network that is nobody's here.
                try await aws(
                    "create-cluster", "--name", "gate", "--role-arn", "arn:aws:iam::000000000000:role/test", "--resources-vpc-config",
                    "subnetIds=[],endpointPublicAccess=true,endpointPrivateAccess=true,publicAccessCidrs=203.0.113.0/24"
                ).required()
                try await aws("wait", "cluster-active", "--name", "gate").required()
                let cluster = try await aws("describe-cluster", "--name", "gate").required().json(Described.self).cluster
                #expect(cluster.resourcesVpcConfig.publicAccessCidrs == ["203.0.113.0/24"])
                #expect(cluster.resourcesVpcConfig.endpointPrivateAccess)
                let kubectl = Kubectl(kubeconfig: try await region.certificateKubeconfig(of: "gate"))
                func isReached() async throws -> Bool { try await kubectl("get", "--raw", "/readyz").succeeded }
                #expect(try await isReached() == false)
                let inside = try #require(region.namespaces(of: "gate").first { $0.contains(".api") }, "no API server's namespace")
                func isReachedFromInside() async throws -> Bool {
                    try await CommandRun.run(
                        "ip", ["netns", "exec", inside, "curl", "-sk", "-m", "5", "-o", "/dev/null", "\(cluster.endpoint)/readyz"]
                    ).succeeded
                }
                #expect(try await isReachedFromInside())

                // The host comes from the address pool, which lies in this block.
                try await change("publicAccessCidrs=203.0.113.0/24,100.64.0.0/10")
                #expect(try await isReached())
                let all = try await aws("describe-cluster", "--name", "gate").required().json(Described.self).cluster
                #expect(all.resourcesVpcConfig.publicAccessCidrs == ["203.0.113.0/24", "100.64.0.0/10"])

                // What is refused changes nothing.
                let neither = try await aws(
                    "update-cluster-config", "--name", "gate", "--resources-vpc-config",
                    "endpointPublicAccess=false,endpointPrivateAccess=false")
                #expect(neither.errors.contains("InvalidParameterException"), "\(neither.report)")
                let malformed = try await aws(
                    "update-cluster-config", "--name", "gate", "--resources-vpc-config", "publicAccessCidrs=300.1.2.3/8")
                #expect(malformed.errors.contains("InvalidParameterException"), "\(malformed.report)")
                #expect(try await isReached())

                // It stays as it is while the service is down, and when the load balancer starts anew.
                try await change("endpointPublicAccess=false,endpointPrivateAccess=true")
                #expect(try await isReached() == false)
                #expect(try await isReachedFromInside())
                kill(try #require(try await region.serverProcess), SIGKILL)
                #expect(try await isReached() == false)
                try await eventually("the service is back") { try await region.isReady }

                try await change("endpointPublicAccess=true,endpointPrivateAccess=false,publicAccessCidrs=0.0.0.0/0")
                #expect(try await isReached())

                // Logs go to a file for each type that is on, by new API servers beside the old; the service dies in the middle of it.
                let logs = region.data + "/clusters/gate/logs/delivered"
                #expect(!FileManager.default.fileExists(atPath: logs))
                try await aws(
                    "update-cluster-config", "--name", "gate", "--logging",
                    #"{"clusterLogging":[{"types":["api","audit"],"enabled":true}]}"#
                ).required()
                try await eventually("new API servers are made") { region.namespaces(of: "gate").contains { $0.contains(".api-3") } }
                kill(try #require(try await region.serverProcess), SIGKILL)
                #expect(try await isReached())
                try await eventually("the service is back") { try await region.isReady }
                try await region.slipway("update", "watch", "gate").required()
                try await kubectl("create", "configmap", "seen-by-the-audit").required()
                try await kubectl("get", "configmap", "seen-by-the-audit").required()
                try await eventually("the request is in the audit log") {
                    try delivered(of: "audit", in: logs).contains("seen-by-the-audit")
                }
                #expect(try !delivered(of: "api", in: logs).isEmpty)
                #expect(try FileManager.default.contentsOfDirectory(atPath: logs).sorted() == ["api", "audit"])
                try await region.slipway("cluster", "delete", "gate").required()
                try await region.expectNothingLeft()
            }
        }
    }
}
