import Foundation
import Subprocess
import SystemPackage
import Testing

extension WholeRegion {
    /// A real cluster that changes its release while clients read and write without pause.
    @Suite(.timeLimit(.minutes(15)))
    struct UpdateTests {
        private struct Update: Decodable {
            struct Failure: Decodable { var errorMessage: String }
            var id: String
            var status: String
            var errors: [Failure]
        }

        private struct Release: Decodable { var id: String }

        private struct Cluster: Decodable {
            struct Instance: Decodable {
                var name: String
                var role: String
                var release: String?
            }
            var status: String
            var instances: [Instance]

            func names(_ role: String) -> [String] { instances.filter { $0.role == role }.map(\.name).sorted() }
            func releases(_ role: String) -> Set<String> { Set(instances.filter { $0.role == role }.compactMap(\.release)) }
        }

        @Test func underLoadItIsUpdatedAndPatchedAndABadReleaseGoesBack() async throws {
            try await RegionFixture.with(5) { region in
                let builds = Builds(region: region)
                let first = try await builds.good("first", etcd: "3.4.23")
                try await region.up().required()
                try await region.slipway("cluster", "create", "delta").required()
                let environment = try await region.environment()

                // To another API server build and another etcd, the way that a customer asks for it.
                let second = try await builds.good("second", etcd: "3.5.16")
                try await underLoad(region) {
                    try await aws(["update-cluster-version", "--name", "delta", "--kubernetes-version", "1.20"], environment)
                    let busy = try await CommandRun.run(
                        "aws", ["eks", "update-cluster-version", "--name", "delta", "--kubernetes-version", "1.20"],
                        environment: environment)
                    #expect(busy.errors.contains("ResourceInUseException"), "\(busy.report)")
                    try await region.slipway("update", "watch", "delta").required()
                }
                var cluster = try await describe(region)
                #expect(cluster.status == "ACTIVE")
                #expect(cluster.releases("apiServer") == [second] && cluster.releases("etcd") == [second])
                #expect(Set(cluster.names("apiServer")).isDisjoint(with: ["api-1", "api-2"]))
                try await expectControllers(region, of: cluster)
                let none = try await CommandRun.run(
                    "aws", ["eks", "update-cluster-version", "--name", "delta", "--kubernetes-version", "1.20"], environment: environment)
                #expect(none.errors.contains("InvalidParameterException"), "\(none.report)")
                let back = try await region.slipway("cluster", "update", "delta", "--release", first)
                #expect(back.errors.contains("cannot read"), "\(back.report)")

                // One that is ready and answers nothing else: nobody but the check meets it.
                let before = cluster.names("apiServer")
                let bad = try await builds.ready(answering: 500, etcd: "3.5.16")
                try await underLoad(region) {
                    let run = try await region.slipway("cluster", "update", "delta", "--release", bad)
                    #expect(run.code == 1, "\(run.report)")
                }
                cluster = try await describe(region)
                #expect(cluster.names("apiServer") == before)
                #expect(cluster.releases("apiServer") == [second])
                let failed = try await region.slipway("update", "describe", "delta", "--output", "json").required().json(Update.self)
                #expect(failed.status == "Failed")
                #expect(failed.errors.first?.errorMessage.contains(": 500") == true, "\(failed)")

                // One whose scheduler does nothing: API servers are well, and the cluster would not be.
                let idle = try await builds.doingNothing("kube-scheduler", etcd: "3.5.16")
                try await underLoad(region) {
                    let run = try await region.slipway("cluster", "update", "delta", "--release", idle)
                    #expect(run.code == 1 && (run.output + run.errors).contains("kube-scheduler"), "\(run.report)")
                }
                #expect(try await describe(region).releases("apiServer") == [second])

                // The urgent fix, in place: the same instances. The service is killed in the middle.
                let third = try await builds.good("third", etcd: "3.5.16")
                try await underLoad(region) {
                    try await region.slipway("cluster", "patch", "delta", "--release", third, "--no-wait").required()
                    try await eventually("the first instance is patched", within: .seconds(120)) {
                        try await describe(region).releases("apiServer").contains(third)
                    }
                    kill(try #require(try await region.serverProcess), SIGKILL)
                    try await eventually("the service is back") { try await region.isReady }
                    try await region.slipway("update", "watch", "delta").required()
                }
                cluster = try await describe(region)
                #expect(cluster.names("apiServer") == before)
                #expect(cluster.releases("apiServer") == [third] && cluster.releases("etcd") == [second])
                try await expectControllers(region, of: cluster)

                // Once more, in instances that were patched before.
                try await underLoad(region) { try await region.slipway("cluster", "patch", "delta", "--release", second).required() }
                cluster = try await describe(region)
                #expect(cluster.names("apiServer") == before && cluster.releases("apiServer") == [second])

                try await region.slipway("cluster", "delete", "delta").required()
                try await region.expectNothingLeft()
            }
        }

        /// Whoever leads runs beside one of the cluster's API servers, and the leases were renewed within seconds.
        private func expectControllers(_ region: RegionFixture, of cluster: Cluster) async throws {
            struct Lease: Decodable {
                struct Spec: Decodable {
                    var holderIdentity: String
                    var renewTime: String
                }
                var spec: Spec
            }
            let kubectl = Kubectl(kubeconfig: try await region.certificateKubeconfig(of: "delta"))
            for name in ["kube-controller-manager", "kube-scheduler"] {
                let lease = try await kubectl("get", "lease", name, "-n", "kube-system", "-o", "json").required().json(Lease.self)
                #expect(cluster.names("apiServer").contains { lease.spec.holderIdentity.hasPrefix("\($0)_") }, "\(name): \(lease)")
                let renewed = try Date("\(lease.spec.renewTime.prefix(19))Z", strategy: .iso8601)
                #expect(Date.now.timeIntervalSince(renewed) < 15, "\(name): \(lease)")
            }
        }

        private func describe(_ region: RegionFixture) async throws -> Cluster {
            try await region.slipway("cluster", "describe", "delta", "--output", "json").required().json(Cluster.self)
        }

        private func aws(_ arguments: [String], _ environment: [String: String]) async throws {
            try await CommandRun.run("aws", ["eks"] + arguments, environment: environment).required()
        }

        private func underLoad(_ region: RegionFixture, _ body: () async throws -> Void) async throws {
            let kubeconfig = try await region.certificateKubeconfig(of: "delta")
            try await RequestLoad.expectNoFailure(region, kubeconfig: kubeconfig, watchers: 2, during: body)
        }
    }
}

/// Releases made of the programs that are cached here, each told from the others by its content.
private struct Builds {
    let region: RegionFixture

    private static let kubernetes = ["kube-apiserver", "kube-controller-manager", "kube-scheduler"]

    private var cache: String { ProcessInfo.processInfo.environment["SLIPWAY_CACHE"] ?? "\(NSHomeDirectory())/.cache/slipway" }

    /// The very programs, with a stamp at their end.
    func good(_ stamp: String, etcd: String) async throws -> String {
        let directory = try await copy(stamp)
        for name in Self.kubernetes {
            let file = try FileHandle(forWritingTo: URL(filePath: "\(directory)/\(name)"))
            try file.seekToEnd()
            try file.write(contentsOf: Data(stamp.utf8))
            try file.close()
        }
        return try await take(directory, etcd: etcd)
    }

    /// An API server that says that it is ready and answers everything else with one status.
    func ready(answering status: Int, etcd: String) async throws -> String {
        let directory = try await copy("answers-\(status)")
        let program = try String(contentsOf: RequestLoad.program("fake_apiserver.py"), encoding: .utf8)
            .replacing("\"READY\"", with: "\"200\"").replacing("\"STATUS\"", with: "\"\(status)\"")
        try Data(program.utf8).write(to: URL(filePath: "\(directory)/kube-apiserver"))
        return try await take(directory, etcd: etcd)
    }

    /// Good but for one program, which runs and does nothing.
    func doingNothing(_ program: String, etcd: String) async throws -> String {
        let directory = try await copy("idle-\(program)")
        try Data("#!/bin/sh\nexec sleep 1000000\n".utf8).write(to: URL(filePath: "\(directory)/\(program)"))
        return try await take(directory, etcd: etcd)
    }

    private func copy(_ name: String) async throws -> String {
        let versions = try FileManager.default.contentsOfDirectory(atPath: "\(cache)/kubernetes").sorted()
        let version = try #require(versions.last, "no Kubernetes in \(cache): run scripts/artifacts")
        let directory = "\(region.scratch)/builds/\(name)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for program in Self.kubernetes {
            try await CommandRun.run("cp", ["\(cache)/kubernetes/\(version)/\(program)", "\(directory)/\(program)"]).required()
        }
        return directory
    }

    /// - Returns: the release's name.
    private func take(_ directory: String, etcd: String) async throws -> String {
        struct Release: Decodable { var id: String }
        return try await region.slipway(
            "release", "import", "--releases-dir", region.releases, "--kubernetes-dir", directory, "--kubernetes-version", "1.20.2",
            "--etcd-dir", "\(cache)/etcd/\(etcd)", "--output", "json"
        ).required().json(Release.self).id
    }
}
