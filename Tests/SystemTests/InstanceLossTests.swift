import Foundation
import Testing

extension WholeRegion {
    /// Single instances and single volumes are lost while people write: each comes back by itself, and nothing is lost.
    @Suite(.timeLimit(.minutes(8)))
    struct InstanceLossTests {
        @Test func whatIsLostOfOneInstanceComesBack() async throws {
            try await RegionFixture.with(6) { region in
                try await region.importRelease()
                try await region.up().required()
                try await region.slipway("cluster", "create", "lambda").required()
                try await NumberedWrites.go(on: "lambda", region) { writes in
                    try await loseInstances(region, writes)
                    try await loseVolume(region, writes)
                    try await spoilVolume(region, writes)
                }
                try await region.slipway("cluster", "delete", "lambda").required()
                try await region.expectNothingLeft()
            }
        }

        /// Their machines are gone: processes, supervision and network. The etcd member comes back under its name and with its volume.
        private func loseInstances(_ region: RegionFixture, _ writes: NumberedWrites) async throws {
            let seen = try await region.cluster("lambda")
            let member = try #require(seen.instances.first { $0.role == "etcd" && !$0.isLeader }?.name)
            let server = try #require(seen.names("apiServer").first)
            let data = try fileNumber(ofDatabase: member, region)
            for (lost, program) in [(member, "etcd"), (server, "kube-apiserver")] {
                let before = Set(try region.components().filter { $0.program == program }.map(\.process))
                let process = try #require(try region.components().first { $0.instance == lost && $0.program == program }?.process)
                try await region.killAll(of: [lost], in: "lambda")
                for space in region.namespaces(of: "lambda") where space.hasSuffix(".\(lost)") {
                    try await CommandRun.run("ip", ["netns", "delete", space]).required()
                }
                try await writes.goOn("after \(lost) was lost")
                try await eventually("the cluster is whole after \(lost) was lost", within: .seconds(120)) {
                    let now = Set(try region.components().filter { $0.program == program }.map(\.process))
                    guard now.count == before.count, !now.contains(process) else { return false }
                    return try await region.cluster("lambda").isWhole
                }
            }
            #expect(try fileNumber(ofDatabase: member, region) == data, "the member has its volume, and its data")
        }

        /// The directory of a follower's volume is deleted under it: it is made anew from the others.
        private func loseVolume(_ region: RegionFixture, _ writes: NumberedWrites) async throws {
            try await isMadeAnew("its volume was deleted", region, writes) { member in
                try FileManager.default.removeItem(atPath: volume(of: member, region))
            }
        }

        /// etcd's database is overwritten, and etcd ends over it: the same.
        private func spoilVolume(_ region: RegionFixture, _ writes: NumberedWrites) async throws {
            try await isMadeAnew("its database was overwritten", region, writes) { member in
                let process = try #require(try region.components().first { $0.instance == member && $0.program == "etcd" }?.process)
                let file = try FileHandle(forWritingTo: URL(filePath: database(of: member, region)))
                try file.write(contentsOf: Data((0..<65_536).map { _ in UInt8.random(in: .min ... .max) }))
                try file.close()
                kill(process, SIGKILL)
            }
        }

        private func isMadeAnew(
            _ when: String, _ region: RegionFixture, _ writes: NumberedWrites, after harm: (_ member: String) throws -> Void
        ) async throws {
            let member = try #require(try await region.cluster("lambda").instances.first { $0.role == "etcd" && !$0.isLeader }?.name)
            let before = try fileNumber(ofDatabase: member, region)
            try harm(member)
            try await writes.goOn("after \(when)")
            try await eventually("\(member) is made anew after \(when)", within: .seconds(180)) {
                // Nobody but the region makes a new one: what it says is as new.
                guard let now = try? fileNumber(ofDatabase: member, region), now != before else { return false }
                return try await region.cluster("lambda").isWhole
            }
            try await writes.goOn("after \(member) was made anew")
        }

        private func volume(of member: String, _ region: RegionFixture) -> String { "\(region.data)/clusters/lambda/volumes/\(member)" }

        private func database(of member: String, _ region: RegionFixture) -> String {
            "\(volume(of: member, region))/data/etcd/member/snap/db"
        }

        /// Another file at the same path has another number.
        private func fileNumber(ofDatabase member: String, _ region: RegionFixture) throws -> UInt64 {
            let attributes = try FileManager.default.attributesOfItem(atPath: database(of: member, region))
            return try #require(attributes[.systemFileNumber] as? UInt64)
        }
    }
}
