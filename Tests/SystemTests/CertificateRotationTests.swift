import Foundation
import Testing

extension WholeRegion {
    /// Authorities, keys and certificates of a cluster are renewed while clients read and write without pause.
    @Suite(.timeLimit(.minutes(30)))
    struct CertificateRotationTests {
        private struct Detail: Decodable {
            struct Instance: Decodable { var name, role, address: String }
            struct Rotation: Decodable { var phase: String }
            var endpoint: String
            var certificateAuthority: String
            var instances: [Instance]
            var rotation: Rotation?
        }

        /// What a server shows.
        private struct Shown: Equatable {
            var issuer: String
            var serial: String
        }

        @Test func everythingIsRotatedUnderLoadAndTheOldEndsWhenAsked() async throws {
            try await RegionFixture.with(7) { region in
                try await region.importRelease()
                try await region.up().required()
                try await region.slipway("cluster", "create", "rho").required()
                let old = try await kubeconfig(region, "old")
                let oldToken = try await token(old)
                let before = try await detail(region)
                let (oldServing, oldMember) = (try await shown(before, etcd: false), try await shown(before, etcd: true))
                #expect(try await status(oldToken, before) == 200)

                // Clients that know the old authority only; the manager is killed in the middle.
                try await RequestLoad.expectNoFailure(region, kubeconfig: old.kubeconfig) {
                    try await region.slipway("cluster", "rotate", "rho", "--no-wait").required()
                    let second = try await region.slipway("cluster", "rotate", "rho")
                    #expect(!second.succeeded && second.errors.contains("in progress"), "\(second.report)")
                    try await eventually("the new authorities issue", within: .seconds(300)) {
                        try await detail(region).rotation?.phase == "issued"
                    }
                    kill(try #require(try await region.serverProcess), SIGKILL)
                    try await eventually("the service is back") { try await region.isReady }
                    try await region.slipway("update", "watch", "rho").required()
                }
                let rotated = try await detail(region)
                #expect(rotated.certificateAuthority.ranges(of: "BEGIN CERTIFICATE").count == 2)
                let (serving, member) = (try await shown(rotated, etcd: false), try await shown(rotated, etcd: true))
                #expect(member.issuer.contains("etcd-ca-2") && member.serial != oldMember.serial, "\(member)")
                // What clients verify is new, and of the authority that they know.
                #expect(serving.issuer == oldServing.issuer && serving.serial != oldServing.serial, "\(serving)")
                try await old("get", "namespaces").required()
                #expect(try await status(oldToken, rotated) == 200)
                let new = try await kubeconfig(region, "new")
                let newToken = try await token(new)
                #expect(try await status(newToken, rotated) == 200)

                try await RequestLoad.expectNoFailure(region, kubeconfig: new.kubeconfig) {
                    try await region.slipway("cluster", "rotate", "rho", "--complete").required()
                }
                let completed = try await detail(region)
                #expect(completed.rotation?.phase == "settled")
                #expect(completed.certificateAuthority.ranges(of: "BEGIN CERTIFICATE").count == 1)
                #expect(try await shown(completed, etcd: false).issuer.contains("kubernetes-ca-2"))
                #expect(try await !old("get", "namespaces").succeeded)
                try await new("get", "namespaces").required()
                #expect(try await status(oldToken, completed) == 401)
                #expect(try await status(newToken, completed) == 200)
                try await expectForgotten(before.certificateAuthority, new)
                let third = try await region.slipway("cluster", "rotate", "rho", "--complete")
                #expect(!third.succeeded, "\(third.report)")

                let last = try await shown(completed, etcd: true)
                try await RequestLoad.expectNoFailure(region, kubeconfig: new.kubeconfig) {
                    try await region.slipway("cluster", "rotate", "rho", "--only", "certificates").required()
                }
                #expect(try await shown(try await detail(region), etcd: true).serial != last.serial)

                try await region.slipway("cluster", "delete", "rho").required()
                try await region.expectNothingLeft()
            }
        }

        private func detail(_ region: RegionFixture) async throws -> Detail {
            try await region.slipway("cluster", "describe", "rho", "--output", "json").required().json(Detail.self)
        }

        private func kubeconfig(_ region: RegionFixture, _ name: String) async throws -> Kubectl {
            let path = "\(region.scratch)/\(name).kubeconfig"
            try FileManager.default.moveItem(atPath: try await region.certificateKubeconfig(of: "rho"), toPath: path)
            return Kubectl(kubeconfig: path)
        }

        /// Of the service account `default/default`.
        private func token(_ user: Kubectl) async throws -> String {
            struct Answer: Decodable {
                struct Status: Decodable { var token: String }
                var status: Status
            }
            let body =
                #"{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 7200}}"#
            let path = "/api/v1/namespaces/default/serviceaccounts/default/token"
            var run: CommandRun?
            try await eventually("the service account gets a token") {
                run = try await CommandRun.run(
                    "kubectl", ["--kubeconfig", user.kubeconfig, "create", "--raw", path, "-f", "-"], input: body)
                return run?.succeeded == true
            }
            return try #require(run).json(Answer.self).status.token
        }

        /// Of an answer that everybody gets whose token is good.
        private func status(_ token: String, _ cluster: Detail) async throws -> Int? {
            let run = try await CommandRun.run(
                "curl", ["-sk", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Authorization: Bearer \(token)", "\(cluster.endpoint)/api"])
            return Int(run.output)
        }

        /// By the endpoint, or by one member of etcd.
        private func shown(_ cluster: Detail, etcd: Bool) async throws -> Shown {
            let host = cluster.endpoint.replacing("https://", with: "")
            let member = try #require(cluster.instances.first { $0.role == "etcd" }).address
            let address = etcd ? "\(member):2379" : "\(host):443"
            let run = try await CommandRun.run(
                "sh", ["-c", "openssl s_client -connect \(address) </dev/null 2>/dev/null | openssl x509 -noout -issuer -serial"]
            ).required()
            let lines = run.output.split(separator: "\n").map(String.init)
            try #require(lines.count == 2, "\(run.report)")
            return Shown(issuer: lines[0], serial: lines[1])
        }

        /// Extension API servers trust whom this says.
        private func expectForgotten(_ authority: String, _ user: Kubectl) async throws {
            let line = authority.split(separator: "\n")[3]
            try await eventually("the old authority is forgotten", within: .seconds(120)) {
                let run = try await user("get", "configmap", "-n", "kube-system", "extension-apiserver-authentication", "-o", "yaml")
                return run.succeeded && run.output.contains("client-ca-file") && !run.output.contains(line)
            }
        }
    }
}
