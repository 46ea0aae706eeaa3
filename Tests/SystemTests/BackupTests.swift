import Foundation
import Testing

extension WholeRegion {
    /// Backups of a real cluster: good, damaged, restored.
    @Suite(.timeLimit(.minutes(4)))
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
                try await region.slipway("cluster", "delete", "beta").required()
                try await region.expectNothingLeft()
            }
        }
    }
}
