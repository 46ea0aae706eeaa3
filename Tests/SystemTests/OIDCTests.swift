import FleetModel
import Foundation
import PKI
import Testing

extension WholeRegion {
    /// People log in to a real cluster with the tokens of a real issuer, and no more when it is taken away.
    @Suite(.timeLimit(.minutes(20)))
    struct OIDCTests {
        private struct Detail: Decodable {
            struct Instance: Decodable { var name, role: String }
            var endpoint: String
            var certificateAuthority: String
            /// ADDRESS/LENGTH; its first address is the host's end.
            var network: IPv4Block
            var instances: [Instance]

            var servers: [String] { instances.filter { $0.role == "apiServer" }.map(\.name).sorted() }
        }

        private struct UpdateAnswer: Decodable {
            struct Update: Decodable {
                struct Failure: Decodable { var errorMessage: String }
                var id, status: String
                var errors: [Failure]
            }
            var update: Update
        }

        /// Somebody with `curl`, on the cluster's endpoint.
        private struct Visitor: Sendable {
            var endpoint: String
            var authorityFile: String

            /// What a list of the namespace's config maps is answered with.
            func ask(_ token: String) async throws -> (status: String, body: String) {
                let run = try await CommandRun.run(
                    "curl",
                    [
                        "-s", "-m", "10", "--cacert", authorityFile, "-H", "Authorization: Bearer \(token)", "-w", "\n%{http_code}",
                        "\(endpoint)/api/v1/namespaces/default/configmaps",
                    ])
                let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false)
                return (lines.last.map(String.init) ?? "", lines.dropLast().joined(separator: "\n"))
            }
        }

        @Test func tokensOfAnIssuerLogInUntilItIsTakenAway() async throws {
            try await RegionFixture.with(6) { region in
                try await region.importRelease()
                let authority = try CertificateAuthority.make(commonName: "issuers", now: Date())
                let trusted = "\(region.scratch)/issuers.pem"
                try Data(authority.certificatePEM.utf8).write(to: URL(filePath: trusted))
                try await region.up("--identity-provider-ca", trusted).required()
                try await region.slipway("cluster", "create", "omega").required()
                let detail = try await detail(region)
                let visitor = Visitor(endpoint: detail.endpoint, authorityFile: "\(region.scratch)/omega.crt")
                try Data(detail.certificateAuthority.utf8).write(to: URL(filePath: visitor.authorityFile))

                try await OIDCIssuer.serving(at: detail.network[1], authority: authority) { issuer in
                    #expect(try await visitor.ask(issuer.token()).status == "401", "nobody knows the issuer yet")
                    try await associate(region, issuer)
                    #expect(Set(try await self.detail(region).servers).isDisjoint(with: detail.servers))
                    try await bind(region)
                    try await expectLogins(region, issuer, visitor)
                    try await disassociate(region)
                    #expect(try await visitor.ask(issuer.token()).status == "401")
                    try await expectReversal(region, issuer, trusted: trusted)
                }
                try await region.slipway("cluster", "delete", "omega").required()
                try await region.expectNothingLeft()
            }
        }

        private func detail(_ region: RegionFixture) async throws -> Detail {
            try await region.slipway("cluster", "describe", "omega", "--output", "json").required().json(Detail.self)
        }

        private func aws(_ region: RegionFixture, _ arguments: String...) async throws -> CommandRun {
            try await CommandRun.run("aws", ["eks"] + arguments, environment: try await region.environment())
        }

        private func oidc(_ issuer: OIDCIssuer) -> String {
            #"{"identityProviderConfigName":"corp","issuerUrl":"\#(issuer.url)","clientId":"kubernetes","groupsClaim":"groups","groupsPrefix":"oidc:"}"#
        }

        // MARK: Associating

        private func associate(_ region: RegionFixture, _ issuer: OIDCIssuer) async throws {
            let update = try await aws(
                region, "associate-identity-provider-config", "--cluster-name", "omega", "--oidc", oidc(issuer)
            ).required().json(UpdateAnswer.self).update
            #expect(update.status == "InProgress")
            #expect(try await status(region) == "CREATING")
            let second = try await aws(region, "associate-identity-provider-config", "--cluster-name", "omega", "--oidc", oidc(issuer))
            #expect(second.errors.contains("ResourceInUseException"), "\(second.report)")
            try await region.slipway("update", "watch", "omega").required()
            let ended = try await aws(region, "describe-update", "--name", "omega", "--update-id", update.id)
            #expect(try ended.required().json(UpdateAnswer.self).update.status == "Successful")
            #expect(try await status(region) == "ACTIVE")
            let list = try await aws(
                region, "list-identity-provider-configs", "--cluster-name", "omega", "--query", "identityProviderConfigs[].name")
            #expect(list.output.contains("corp"), "\(list.report)")
            let shown = try await region.slipway("cluster", "describe", "omega")
            #expect(shown.output.contains(issuer.url), "\(shown.report)")
        }

        /// Nil: there is no such provider.
        private func status(_ region: RegionFixture) async throws -> String? {
            let run = try await aws(
                region, "describe-identity-provider-config", "--cluster-name", "omega", "--identity-provider-config", "type=oidc,name=corp",
                "--query", "identityProviderConfig.oidc.status", "--output", "text")
            if run.errors.contains("ResourceNotFoundException") { return nil }
            return try run.required().output.trimmingCharacters(in: .whitespacesAndNewlines)
        }

        /// The administrator logs in as before, by IAM, and lets a group of the issuer's read.
        private func bind(_ region: RegionFixture) async throws {
            let admin = try await KubernetesUser.make(
                "admin", cluster: "omega", region: region, environment: try await region.environment())
            try await admin.kubectl("create", "role", "reader", "--verb=get,list", "--resource=configmaps").required()
            try await admin.kubectl("create", "rolebinding", "readers", "--role=reader", "--group=oidc:harbour").required()
        }

        // MARK: Logging in

        private func expectLogins(_ region: RegionFixture, _ issuer: OIDCIssuer, _ visitor: Visitor) async throws {
            // An API server of 1.20 asks its issuer ten seconds after its start for the first time; connections go to both in turn.
            try await eventually("every API server takes the issuer's tokens", within: .seconds(120)) {
                for _ in 0..<20 {
                    guard try await visitor.ask(issuer.token()).status == "200" else { return false }
                }
                return true
            }
            for _ in 0..<6 {
                #expect(try await visitor.ask(issuer.token(audience: "somebody-else")).status == "401")
                #expect(try await visitor.ask(issuer.token(lifetime: -30)).status == "401")
                #expect(try await visitor.ask(issuer.token(forged: true)).status == "401")
                for groups in [nil, ["other"]] as [[String]?] {
                    let answer = try await visitor.ask(issuer.token(groups: groups))
                    #expect(answer.status == "403")
                    #expect(answer.body.contains("\(issuer.url)#ada"), "EKS' prefix: \(answer.body)")
                }
            }
            let token = try issuer.token()
            let kubectl = try await CommandRun.run(
                "kubectl",
                [
                    "--kubeconfig", "/dev/null", "--server", visitor.endpoint, "--certificate-authority",
                    visitor.authorityFile, "--token", token, "get", "configmaps", "--namespace", "default",
                ])
            #expect(kubectl.succeeded, "\(kubectl.report)")

            try await region.killManager()
            #expect(try await visitor.ask(issuer.token()).status == "200", "logging in needs nothing of Slipway's service")
            try await region.service("slipway-server", "-u")
            try await eventually("the region is ready again") { try await region.isReady }
            #expect(try await visitor.ask(issuer.token()).status == "200")
        }

        // MARK: Taking away

        private func disassociate(_ region: RegionFixture) async throws {
            try await aws(
                region, "disassociate-identity-provider-config", "--cluster-name", "omega", "--identity-provider-config",
                "type=oidc,name=corp"
            ).required()
            #expect(try await status(region) == "DELETING")
            try await region.slipway("update", "watch", "omega").required()
            #expect(try await status(region) == nil)
        }

        /// API servers that cannot be made with a provider: the cluster becomes again what it was, and says why.
        private func expectReversal(_ region: RegionFixture, _ issuer: OIDCIssuer, trusted: String) async throws {
            let before = try await detail(region).servers
            try Data("no certificate".utf8).write(to: URL(filePath: trusted))
            let update = try await aws(
                region, "associate-identity-provider-config", "--cluster-name", "omega", "--oidc", oidc(issuer)
            ).required().json(UpdateAnswer.self).update
            // It may have ended by now.
            _ = try await region.slipway("update", "watch", "omega")
            let ended = try await aws(region, "describe-update", "--name", "omega", "--update-id", update.id)
            let failed = try ended.required().json(UpdateAnswer.self).update
            #expect(failed.status == "Failed")
            #expect(failed.errors.first?.errorMessage.contains(trusted) == true, "\(failed)")
            #expect(try await status(region) == nil)
            #expect(try await detail(region).servers == before)
        }
    }
}
