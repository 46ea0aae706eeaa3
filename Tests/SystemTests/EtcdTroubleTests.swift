import Foundation
import Testing

extension WholeRegion {
    /// What goes wrong with a cluster's etcd: its database is full; a majority of its volumes is lost.
    @Suite(.timeLimit(.minutes(5)))
    struct EtcdTroubleTests {
        private struct Detail: Decodable {
            struct Condition: Decodable { var kind, status, reason: String }
            struct Wait: Decodable { var reason, message: String }
            struct Etcd: Decodable {
                struct Member: Decodable { var name: String }
                var members: [Member]
                var corruptMembers: [String]
                var lastDefragmentation: [String: String]
            }
            var conditions: [Condition]
            var waits: [Wait]
            var etcd: Etcd?

            func reason(of kind: String, is status: String) -> String? {
                conditions.first { $0.kind == kind && $0.status == status }?.reason
            }
        }

        @Test func aFullDatabaseIsCuredAndAMajorityLossRecovered() async throws {
            try await RegionFixture.with(3) { region in
                try await region.importRelease()
                try await region.up().required()
                try await region.slipway("cluster", "create", "omega", "--etcd-quota", "16").required()
                let user = Kubectl(kubeconfig: try await region.certificateKubeconfig(of: "omega"))
                try await fill(region, user)
                try await loseMajority(region, user)
            }
        }

        private func detail(_ region: RegionFixture) async throws -> Detail {
            try await region.slipway("cluster", "describe", "omega", "--output", "json").required().json(Detail.self)
        }

        /// The alarm is seen within 10 s; data that is deleted is room again without anybody's help.
        private func fill(_ region: RegionFixture, _ user: Kubectl) async throws {
            let blob = "\(region.scratch)/blob"
            try Data((0..<900_000).map { _ in UInt8.random(in: 97...122) }).write(to: URL(filePath: blob))
            var count = 0
            while count < 40 {
                count += 1
                let run = try await user("create", "configmap", "fill-\(count)", "--from-file=\(blob)")
                if !run.succeeded {
                    #expect(run.errors.contains("database space exceeded"), "\(run.report)")
                    break
                }
            }
            #expect(count < 40)
            try await eventually("the alarm is seen", within: .seconds(10)) {
                try await detail(region).reason(of: "EtcdHealthy", is: "False") == "AlarmNoSpace"
            }
            try await user(["delete", "configmap"] + (1..<count).map { "fill-\($0)" }).required()
            try await eventually("it takes writes again") { try await user("create", "configmap", "room").succeeded }
            try await eventually("the alarm is over") {
                let detail = try await detail(region)
                return detail.reason(of: "EtcdHealthy", is: "True") != nil && detail.etcd?.lastDefragmentation.count == 3
            }
        }

        /// What members said when they found their database too large: lines of their logs, which go with them.
        private func quotaAlarms(_ region: RegionFixture) -> Set<String> {
            let logs = "\(region.data)/clusters/omega/logs"
            let members = ((try? FileManager.default.contentsOfDirectory(atPath: logs)) ?? []).filter { $0.hasPrefix("etcd-") }
            let texts = members.compactMap { try? String(contentsOfFile: "\(logs)/\($0)/etcd/current", encoding: .utf8) }
            return Set(texts.flatMap { $0.split(separator: "\n") }.map(String.init).filter { $0.contains("exceeded backend quota") })
        }

        /// Two of three volumes go with what runs on them, under writes. Nothing happens by itself; asked to, the third carries on,
        /// with the manager killed in the middle.
        private func loseMajority(_ region: RegionFixture, _ user: Kubectl) async throws {
            try await user("create", "configmap", "kept", "--from-literal=a=b").required()
            let alarmsOfBefore = quotaAlarms(region)
            let spaces = region.namespaces(of: "omega")
            for member in ["etcd-local-1b", "etcd-local-1c"] {
                let space = try #require(spaces.first { $0.hasSuffix(member) })
                let pids = try await CommandRun.run("ip", ["netns", "pids", space]).required().output.split(whereSeparator: \.isWhitespace)
                for pid in pids.compactMap({ Int32($0) }) { kill(pid, SIGKILL) }
                try FileManager.default.removeItem(atPath: "\(region.data)/clusters/omega/volumes/\(member)")
            }
            try await eventually("it is said") {
                try await detail(region).waits.contains { $0.message.contains("slipway cluster recover omega") }
            }

            struct Proposal: Decodable {
                struct Candidate: Decodable { var kind, name: String }
                struct Loss: Decodable { var member: String }
                var source: Candidate?
                var losses: [Loss]
            }
            try await eventually("the survivor is proposed") {
                let run = try await region.slipway("cluster", "recover", "omega", "--dry-run", "--output", "json").required()
                let proposal = try run.json(Proposal.self)
                return proposal.source?.name == "etcd-local-1a" && proposal.losses.map(\.member) == ["etcd-local-1b", "etcd-local-1c"]
            }
            let unasked = try await region.slipway("cluster", "recover", "omega")
            #expect(unasked.code == 2 && unasked.errors.contains("--yes"), "\(unasked.report)")

            try await region.slipway("cluster", "recover", "omega", "--yes", "--no-wait").required()
            for _ in 0..<2 {
                if let process = try await region.serverProcess { kill(process, SIGKILL) }
                try await eventually("s6 starts the manager again") { try await region.isReady }
            }
            try await eventually("what was written is there", within: .seconds(120)) {
                try await user("get", "configmap", "kept").succeeded
            }
            try await eventually("all three members are back", within: .seconds(180)) {
                try await ClusterJourneyTests.isWell("omega", region)
            }
            try await eventually("it takes writes again") { try await user("create", "configmap", "after").succeeded }
            // What the new members repeat of the time when the database was full concerns nobody.
            #expect(quotaAlarms(region).subtracting(alarmsOfBefore).isEmpty)
            try await eventually("it serves") { try await detail(region).reason(of: "Available", is: "True") != nil }
        }
    }
}
