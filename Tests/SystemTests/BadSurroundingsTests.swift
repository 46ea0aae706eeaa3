import AsyncHTTPClient
import Foundation
import NIOCore
import SlipwayClient
import Testing

extension WholeRegion {
    /// What goes wrong around a region is said, and leaves nothing half made.
    @Suite(.timeLimit(.minutes(5)))
    struct BadSurroundingsTests {
        @Test func commandsSayWhatIsWrong() async throws {
            try await RegionFixture.with(2) { region in
                let noRelease = try await region.up()
                #expect(noRelease.code == 1 && noRelease.errors.contains("slipway release import"), "\(noRelease.report)")
                #expect(!FileManager.default.fileExists(atPath: region.data), "a first start that fails leaves nothing")
                try await simulatedNeedsNothing(region)
                try await region.importRelease()

                let none = try await region.slipway("cluster", "list")
                #expect(none.code != 0 && none.errors.contains("There is no region"), "\(none.report)")

                let nobody = try await CommandRun.run(
                    "setpriv", Self.asNobody + ["\(region.scratch)/slipway", "dev", "up", "--data-dir", "/var/tmp/x"])
                #expect(nobody.code == 2 && nobody.errors.contains("needs root"), "\(nobody.report)")

                let usage = try await region.slipway("cluster", "create")
                #expect(usage.code == 2, "\(usage.report)")

                try await portTaken(region)
                try await changedProgram(region)
                try await foreground(region)
                try await twoAtOnce(region)
                try await refusals(region)
                try await storeGone(region)
                try await region.expectNothingLeft()
            }
        }

        private static let asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups"]

        /// Neither root nor programs: nothing is run.
        private func simulatedNeedsNothing(_ region: RegionFixture) async throws {
            let home = "\(region.scratch)/nobody"
            try await CommandRun.run("install", ["-d", "-o", "65534", "-g", "65534", home]).required()
            // Where the tests were built may be a folder that nobody else can enter.
            try await CommandRun.run("chmod", ["0755", region.scratch]).required()
            try await CommandRun.run("install", ["-m", "0755", RegionFixture.program, "\(region.scratch)/slipway"]).required()
            let nobody = Self.asNobody + ["\(region.scratch)/slipway"]
            let environment = ["HOME": home, "SLIPWAY_DATA_DIR": "\(home)/data"]
            try await withThrowingTaskGroup(of: CommandRun.self) { group in
                group.addTask {
                    try await CommandRun.run(
                        "setpriv", nobody + ["dev", "up", "--substrate", "simulated", "--port", "\(region.port)"], environment: environment)
                }
                try await eventually("the simulated region is ready") { try await region.isReady }
                try await CommandRun.run("setpriv", nobody + ["cluster", "create", "pretended"], environment: environment).required()
                try await CommandRun.run("setpriv", nobody + ["dev", "down", "--purge"], environment: environment).required()
                try #require(try await group.next()).required()
            }
            #expect(!FileManager.default.fileExists(atPath: "\(home)/data"))
        }

        private func portTaken(_ region: RegionFixture) async throws {
            let holder =
                // Connections of the region before it may still be in TIME_WAIT on this port.
                "import socket,time; s=socket.socket(); s.setsockopt(socket.SOL_SOCKET,socket.SO_REUSEADDR,1); "
                + "s.bind(('127.0.0.1',\(region.port))); s.listen(); print('x',flush=True); time.sleep(60)"
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try? await CommandRun.run("python3", ["-c", holder]) }
                try await eventually("the port is taken") {
                    try await CommandRun.run("bash", ["-c", "exec 3<>/dev/tcp/127.0.0.1/\(region.port)"]).succeeded
                }
                let taken = try await region.up()
                #expect(
                    taken.code == 1 && taken.errors.contains("Port \(region.port)") && taken.errors.contains("--port"), "\(taken.report)")
                group.cancelAll()
            }
            try await eventually("the port is free") {
                try await !CommandRun.run("bash", ["-c", "exec 3<>/dev/tcp/127.0.0.1/\(region.port)"]).succeeded
            }
        }

        /// One byte of the cached etcd is changed: it is found and said, and not started.
        private func changedProgram(_ region: RegionFixture) async throws {
            let find = try await CommandRun.run("find", ["\(region.releases)/artifacts", "-name", "etcd", "-type", "f"]).required()
            let etcd = find.output.trimmingCharacters(in: .whitespacesAndNewlines)
            try await CommandRun.run("cp", [etcd, "\(region.scratch)/good"]).required()
            try await CommandRun.run(
                "bash", ["-c", "chmod u+w '\(etcd)'; printf X | dd of='\(etcd)' bs=1 seek=4096 conv=notrunc status=none"]
            ).required()
            let refused = try await region.up()
            #expect(refused.code == 1 && refused.errors.contains(etcd), "\(refused.report)")
            let verify = try await region.slipway("release", "verify", "--releases-dir", region.releases)
            #expect(verify.code == 1, "\(verify.report)")
            try await CommandRun.run("cp", ["\(region.scratch)/good", etcd]).required()
            try await region.slipway("release", "verify", "--releases-dir", region.releases).required()
        }

        /// The service in the foreground: `dev down` from elsewhere ends it, and so does a kill, after which `dev up` goes on.
        private func foreground(_ region: RegionFixture) async throws {
            for isKilled in [true, false] {
                try await withThrowingTaskGroup(of: CommandRun.self) { group in
                    group.addTask { try await region.up(isDetached: false) }
                    try await eventually("the region is ready") { try await region.isReady }
                    if isKilled {
                        let text = try String(contentsOfFile: "\(region.data)/server.lock", encoding: .utf8)
                        kill(try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines))), SIGKILL)
                    } else {
                        try await region.slipway("dev", "down").required()
                    }
                    let run = try #require(try await group.next())
                    #expect(run.code == (isKilled ? 128 + SIGKILL : 0), "\(run.report)")
                }
            }
        }

        private func twoAtOnce(_ region: RegionFixture) async throws {
            async let one = region.up()
            async let two = region.up()
            let runs = try await [one, two]
            let failed = runs.filter { !$0.succeeded }
            #expect(failed.count <= 1, "\(runs.map(\.report))")
            for run in failed { #expect(run.errors.contains("Another `slipway dev up`"), "\(run.report)") }
            try await region.up().required()
            let foreground = try await region.slipway("dev", "up")
            #expect(foreground.code == 1 && foreground.errors.contains("already running"), "\(foreground.report)")
        }

        private func refusals(_ region: RegionFixture) async throws {
            let environment = try await region.environment()
            let script = """
                import boto3, botocore
                eks = boto3.client("eks", config=botocore.config.Config(parameter_validation=False, retries={"max_attempts": 0}))
                role = "arn:aws:iam::000000000000:role/eks"
                def refused(code, **request):
                    try:
                        eks.create_cluster(**{"name": "x", "roleArn": role, "resourcesVpcConfig": {"subnetIds": []}, **request})
                    except botocore.exceptions.ClientError as error:
                        assert error.response["Error"]["Code"] == code, error
                        return
                    raise AssertionError("accepted: %r" % request)
                refused("InvalidParameterException", name="-no")
                refused("InvalidParameterException", version="1.2")
                refused("InvalidParameterException", resourcesVpcConfig={"subnetIds": ["subnet-nowhere"]})
                refused("InvalidParameterException", roleArn="me")
                refused("RequestEntityTooLargeException", tags={"t": "x" * 10_000_000})
                """
            try await CommandRun.run("python3", ["-c", script], environment: environment).required()
            let unknown = try await region.slipway("cluster", "create", "x", "--zone", "nowhere")
            #expect(unknown.code == 2 && unknown.errors.contains("nowhere"), "\(unknown.report)")
            for path in ["/clusters", "/operator/v1/clusters"] {
                let huge = try await CommandRun.run(
                    "bash",
                    [
                        "-c",
                        "head -c 10485760 /dev/zero | curl -s -m 20 -o /dev/null -w '%{http_code}' -X POST --data-binary @- \(region.endpoint)\(path)",
                    ])
                // Who is not recognised is told that first.
                #expect(["413", "403"].contains(huge.output), "\(path): \(huge.report)")
                let broken = try await CommandRun.run(
                    "curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", "-d", "{\"name\":", "\(region.endpoint)\(path)"])
                #expect(["400", "403"].contains(broken.output), "\(broken.report)")
            }
            try await aThousandAtOnce(region, environment)
        }

        private func aThousandAtOnce(_ region: RegionFixture, _ environment: [String: String]) async throws {
            var configuration = HTTPClient.Configuration()
            // How long they wait for each other in the client is no part of what is tried.
            configuration.timeout.connect = .seconds(120)
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 200
            let answers = try await HTTPClient.withHTTPClient(configuration: configuration) { http in
                let client = OperatorClient(
                    endpoint: region.endpoint, region: environment["AWS_DEFAULT_REGION"] ?? "",
                    credentials: ClientCredentials(
                        accessKeyID: environment["AWS_ACCESS_KEY_ID"] ?? "",
                        secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? ""), http: http)
                return try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<1000 { group.addTask { try await client.clusters().count } }
                    return try await group.reduce(into: 0) { count, _ in count += 1 }
                }
            }
            #expect(answers == 1000)
        }

        /// The API says 503 and the manager lives; when the store is back all is well.
        private func storeGone(_ region: RegionFixture) async throws {
            let manager = try await region.serverProcess
            try await region.service("slipway-store", "-d")
            try await eventually("the region is not ready") { try await !region.isReady }
            let list = try await region.slipway("cluster", "list")
            #expect(list.code == 1 && list.errors.contains("ServiceUnavailableException"), "\(list.report)")
            try await region.service("slipway-store", "-u")
            try await eventually("the region is ready again") { try await region.isReady }
            #expect(try await region.serverProcess == manager, "the manager did not crash")
            try await region.slipway("cluster", "list").required()
        }
    }
}
