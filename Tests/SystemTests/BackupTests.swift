import Foundation
import Testing

extension WholeRegion {
    /// Backups of a real cluster: good, damaged, restored.
    @Suite(.timeLimit(.minutes(8)))
    struct BackupTests {
        private struct Made: Decodable {
            struct Facts: Decodable { var revision: Int64 }
            var id: String
            var facts: Facts
        }

        @Test func aDamagedBackupIsFoundReportedAndNotUsed() async throws {
            try await RegionFixture.with(4) { region in
                try await region.importRelease()
                try await region.up().required()
                try await region.slipway("cluster", "create", "beta").required()
                let good = try await region.slipway("backup", "create", "beta", "--output", "json").required().json(Made.self)
                let bad = try await region.slipway("backup", "create", "beta", "--output", "json").required().json(Made.self)
                try await region.slipway("backup", "verify", good.id).required()

                let path = "\(region.data)/backups/beta/\(bad.id).data"
                var bytes = try Data(contentsOf: URL(filePath: path))
                bytes[bytes.count / 2] ^= 1
                try bytes.write(to: URL(filePath: path))

                let before = try region.components()
                let restore = try await region.slipway("backup", "restore", bad.id, "--in-place", "--yes")
                #expect(restore.code == 1)
                #expect(restore.errors.contains("\(bad.id) is damaged: chunk 0"), "\(restore.report)")
                #expect(Set(try region.components()) == Set(before), "nothing was restarted")
                let verify = try await region.slipway("backup", "verify", bad.id)
                #expect(verify.code == 1)
                #expect(verify.errors.contains("damaged"), "\(verify.report)")
                let again = try await region.slipway("backup", "restore", bad.id, "--as", "gamma")
                #expect(again.code == 2, "\(again.report)")
                let described = try await region.slipway("cluster", "describe", "beta").required()
                #expect(described.output.contains("(BackupDamaged)"), "\(described.report)")

                let asked = try await region.slipway("backup", "restore", good.id, "--in-place")
                #expect(asked.code == 2, "data is not lost without a yes")
                try await region.slipway("backup", "restore", good.id, "--in-place", "--yes").required()
                try await loseAllVolumes(region)
                try await region.slipway("cluster", "delete", "beta").required()
                try await region.expectNothingLeft()
            }
        }

        /// Two volumes go, and the third holds nothing that etcd can read: only backups are left. Nothing happens by itself; asked to,
        /// the newest good one is taken, though the manager is killed in the middle.
        private func loseAllVolumes(_ region: RegionFixture) async throws {
            let kubeconfig = try await region.certificateKubeconfig(of: "beta")
            func kubectl(_ arguments: String...) async throws -> CommandRun {
                try await CommandRun.run("kubectl", ["--kubeconfig", kubeconfig, "--request-timeout=20s"] + arguments)
            }
            try await eventually("beta takes an object") { try await kubectl("create", "configmap", "kept").succeeded }
            let newest = try await region.slipway("backup", "create", "beta", "--output", "json").required().json(Made.self)
            try await kubectl("create", "configmap", "lost").required()

            let members = try await region.cluster("beta").names("etcd")
            try await region.killAll(of: members, in: "beta")
            let volumes = members.map { "\(region.data)/clusters/beta/volumes/\($0)" }
            for volume in volumes.dropLast() { try FileManager.default.removeItem(atPath: volume) }
            let database = "\(try #require(volumes.last))/data/etcd/member/snap/db"
            try Data((0..<65_536).map { _ in UInt8.random(in: .min ... .max) }).write(to: URL(filePath: database))

            struct Proposal: Decodable {
                struct Candidate: Decodable { var kind, name: String }
                var source: Candidate?
                var verdict: String
            }
            try await eventually("the newest backup is proposed") {
                let run = try await region.slipway("cluster", "recover", "beta", "--dry-run", "--output", "json").required()
                let source = try run.json(Proposal.self).source
                return source?.kind == "backup" && source?.name == newest.id
            }
            #expect(try await region.slipway("cluster", "recover", "beta").code == 2, "never without being asked to")
            try await region.slipway("cluster", "recover", "beta", "--yes", "--no-wait").required()
            for delay in [300, 1500] {
                try await ContinuousClock().sleep(for: .milliseconds(delay))
                if let process = try await region.serverProcess { kill(process, SIGKILL) }
                try await eventually("s6 starts the manager again") { try await region.isReady }
            }
            try await eventually("beta is whole again", within: .seconds(180)) { try await region.cluster("beta").isWhole }
            try await eventually("it takes writes again") { try await kubectl("create", "configmap", "after").succeeded }
            try await kubectl("get", "configmap", "kept").required()
            #expect(try await !kubectl("get", "configmap", "lost").succeeded, "what came after the backup is lost, as was said")
        }
    }
}
