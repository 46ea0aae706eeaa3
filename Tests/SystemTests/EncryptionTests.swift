import Foundation
import Testing

extension WholeRegion {
    /// Secrets of a cluster that has served for a while are encrypted, the key is rotated, and what does the encrypting fails.
    @Suite(.timeLimit(.minutes(30)))
    struct EncryptionTests {
        private struct Detail: Decodable {
            struct Condition: Decodable { var kind, status, reason: String }
            struct Encryption: Decodable {
                var keyVersion: Int
                var phase: String
            }
            struct Instance: Decodable { var name, role, address: String }
            var conditions: [Condition]
            var encryption: Encryption?
            var instances: [Instance]
        }

        private struct Key: Decodable {
            var arn: String
            var version: Int
        }

        /// What is looked for in etcd.
        private static let marker = "plain-as-day"

        @Test func secretsAreEncryptedRotatedAndReadWhateverFails() async throws {
            try await RegionFixture.with(5) { region in
                try await region.importRelease()
                try await region.up().required()
                try await region.slipway("cluster", "create", "sigma").required()
                let user = Kubectl(kubeconfig: try await region.certificateKubeconfig(of: "sigma"))
                for index in 1...20 {
                    try await user("create", "secret", "generic", "early-\(index)", "--from-literal=a=\(Self.marker)-\(index)").required()
                }
                let before = try await secrets(region)
                #expect(before.values.contains { $0.contains(Self.marker) }, "the search finds what is plain")

                #expect(try databases(region).contains { $0.contains(Self.marker) }, "the search of files finds what is plain")

                let key = try await region.slipway("key", "create", "--output", "json").required().json(Key.self)
                try await associate(region, key)
                try await expectAllSealed(region, version: 1, since: before.revision)
                #expect(try databases(region).allSatisfy { !$0.contains(Self.marker) }, "also not in free pages of etcd's files")
                try await user("create", "secret", "generic", "late", "--from-literal=a=\(Self.marker)").required()
                try await expectReadable(user)

                let rotated = try await secrets(region).revision
                #expect(try await region.slipway("key", "rotate", key.arn, "--output", "json").required().json(Key.self).version == 2)
                try await killManager(region, times: 2)
                try await eventually("the rotation is done", within: .seconds(600)) {
                    let encryption = try await detail(region).encryption
                    return encryption?.keyVersion == 2 && encryption?.phase == "settled"
                }
                try await expectAllSealed(region, version: 2, since: rotated)
                try await expectReadable(user)
                try await standWithoutManager(region, user)
                try await losePlugins(region, user)
            }
        }

        /// By the unmodified AWS command line; the manager is killed again and again meanwhile.
        private func associate(_ region: RegionFixture, _ key: Key) async throws {
            struct Answer: Decodable {
                struct Update: Decodable { var id, status: String }
                var update: Update
            }
            let environment = try await region.environment()
            let config = #"[{"resources":["secrets"],"provider":{"keyArn":"\#(key.arn)"}}]"#
            let associate = ["eks", "associate-encryption-config", "--cluster-name", "sigma", "--encryption-config", config]
            let update = try await CommandRun.run("aws", associate, environment: environment).required().json(Answer.self).update
            let second = try await CommandRun.run("aws", associate, environment: environment)
            #expect(!second.succeeded && second.errors.contains("ResourceInUseException"), "\(second.report)")
            try await killManager(region, times: 4)
            try await eventually("the association is done", within: .seconds(600)) {
                let run = try await CommandRun.run(
                    "aws", ["eks", "describe-update", "--name", "sigma", "--update-id", update.id], environment: environment)
                return try run.required().json(Answer.self).update.status == "Successful"
            }
            let described = try await CommandRun.run(
                "aws", ["eks", "describe-cluster", "--name", "sigma", "--query", "cluster.encryptionConfig[0].provider.keyArn"],
                environment: environment)
            #expect(described.output.contains(key.arn), "\(described.report)")
        }

        private func killManager(_ region: RegionFixture, times: Int) async throws {
            for _ in 0..<times {
                try await ContinuousClock().sleep(for: .milliseconds(1500))
                if let process = try await region.serverProcess { kill(process, SIGKILL) }
                try await eventually("s6 starts the manager again") { try await region.isReady }
            }
        }

        private func detail(_ region: RegionFixture) async throws -> Detail {
            try await region.slipway("cluster", "describe", "sigma", "--output", "json").required().json(Detail.self)
        }

        // MARK: etcd itself

        private func etcdctl(_ region: RegionFixture, _ arguments: String...) async throws -> CommandRun {
            let cache = ProcessInfo.processInfo.environment["SLIPWAY_CACHE"] ?? "\(NSHomeDirectory())/.cache/slipway"
            let versions = try FileManager.default.contentsOfDirectory(atPath: "\(cache)/etcd").map { "\(cache)/etcd/\($0)/etcdctl" }
            let program = try #require(versions.sorted().last { FileManager.default.fileExists(atPath: $0) })
            let detail = try await detail(region)
            let server = try #require(detail.instances.first { $0.role == "apiServer" }).name
            let member = try #require(detail.instances.first { $0.role == "etcd" }).address
            let pki = "\(region.data)/clusters/sigma/instances/\(server)/files/pki"
            return try await CommandRun.run(
                program,
                [
                    "--endpoints", "https://\(member):2379", "--cacert", "\(pki)/etcd-ca.crt", "--cert", "\(pki)/etcd-client.crt", "--key",
                    "\(pki)/etcd-client.key",
                ] + arguments, environment: ["ETCDCTL_API": "3"])
        }

        /// The members' database files, as text in which only ASCII is right.
        private func databases(_ region: RegionFixture) throws -> [String] {
            let volumes = "\(region.data)/clusters/sigma/volumes"
            let files = try FileManager.default.subpathsOfDirectory(atPath: volumes).filter { $0.hasSuffix("/member/snap/db") }
            #expect(files.count == 3)
            return try files.map { String(decoding: try Data(contentsOf: URL(filePath: "\(volumes)/\($0)")), as: UTF8.self) }
        }

        /// The values of all secrets as etcd has them, and its revision.
        private func secrets(_ region: RegionFixture) async throws -> (values: [String], revision: Int) {
            struct Answer: Decodable {
                struct Header: Decodable { var revision: Int }
                struct Pair: Decodable { var value: Data }
                var header: Header
                var kvs: [Pair]
            }
            let run = try await etcdctl(region, "get", "--prefix", "/registry/secrets/", "--write-out", "json").required()
            let answer = try run.json(Answer.self)
            return (answer.kvs.map { String(decoding: $0.value, as: UTF8.self) }, answer.header.revision)
        }

        /// - Parameter revision: at which something else was there, which can be read no more.
        private func expectAllSealed(_ region: RegionFixture, version: Int, since revision: Int) async throws {
            let now = try await secrets(region)
            #expect(now.values.count >= 20)
            for value in now.values {
                #expect(value.hasPrefix("k8s:enc:kms:v1:slipway-") && value.contains("-\(version):"), "\(value.prefix(60))")
                #expect(!value.contains(Self.marker))
            }
            let past = try await etcdctl(region, "get", "--prefix", "/registry/secrets/", "--rev", "\(revision)")
            #expect(!past.succeeded && past.errors.contains("compacted"), "\(past.report)")
        }

        // MARK: Failures

        private func expectReadable(_ user: Kubectl, _ location: SourceLocation = #_sourceLocation) async throws {
            let run = try await user("get", "secret", "early-7", "-o", "jsonpath={.data.a}").required(location)
            #expect(Data(base64Encoded: run.output) == Data("\(Self.marker)-7".utf8), sourceLocation: location)
        }

        /// With Slipway dead, plugins and API servers that crash come back and read what is encrypted.
        private func standWithoutManager(_ region: RegionFixture, _ user: Kubectl) async throws {
            try await region.service("slipway-server", "-d")
            try await eventually("the manager is dead") { try await region.serverProcess == nil }
            for program in ["kms-plugin", "kube-apiserver"] {
                let victims = try region.components().filter { $0.cluster == "sigma" && $0.program == program }
                #expect(victims.count == 2)
                for victim in victims { kill(victim.process, SIGKILL) }
                try await eventually("\(program) is back", within: .seconds(30)) {
                    let now = try region.components().filter { $0.cluster == "sigma" && $0.program == program }
                    return now.count == 2 && !now.contains { victims.contains($0) }
                }
            }
            try await eventually("a secret is written", within: .seconds(90)) {
                try await user("create", "secret", "generic", "orphan", "--from-literal=a=b").succeeded
            }
            try await expectReadable(user)
            try await region.service("slipway-server", "-u")
            try await eventually("the region is ready again") { try await region.isReady }
            try await eventually("all is well") { try await isDegraded(region) == nil }
        }

        /// No plugin runs: what the API servers have at hand is read, the cluster says what is wrong, and all is well afterwards.
        private func losePlugins(_ region: RegionFixture, _ user: Kubectl) async throws {
            let servers = try await detail(region).instances.filter { $0.role == "apiServer" }.map(\.name)
            for _ in 0..<10 { try await expectReadable(user) }
            for server in servers { try await plugin(region, server, "-d") }
            try await eventually("it is said") { try await isDegraded(region) == "KMSPluginDown" }
            for _ in 0..<10 { try await expectReadable(user) }
            let write = try await user("create", "secret", "generic", "impossible", "--from-literal=a=b")
            #expect(!write.succeeded, "nothing is written that could not be encrypted")
            for server in servers { try await plugin(region, server, "-u") }
            try await eventually("all is well again") { try await isDegraded(region) == nil }
            try await eventually("secrets are written again") {
                try await user("create", "secret", "generic", "possible", "--from-literal=a=b").succeeded
            }
        }

        private func plugin(_ region: RegionFixture, _ server: String, _ order: String) async throws {
            let service = "\(region.data)/clusters/sigma/instances/\(server)/scan/kms-plugin@sigma"
            try await CommandRun.run("s6-svc", [order, service]).required()
        }

        /// The reason, when it is.
        private func isDegraded(_ region: RegionFixture) async throws -> String? {
            try await detail(region).conditions.first { $0.kind == "Degraded" && $0.status == "True" }?.reason
        }
    }
}
