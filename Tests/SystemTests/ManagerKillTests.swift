import Foundation
import Testing

extension WholeRegion {
    /// The manager is killed again and again while a cluster is made and deleted.
    @Suite(.timeLimit(.minutes(5)))
    struct ManagerKillTests {
        @Test func createAndDeleteConvergeWhateverMomentTheManagerIsKilled() async throws {
            try await RegionFixture.with(1) { region in
                try await region.importRelease()
                try await region.up().required()
                try await region.slipway("cluster", "create", "kappa", "--no-wait").required()
                try await killRepeatedly(region, delays: [150, 400, 700, 1100])
                try await eventually("kappa is active and whole", within: .seconds(150)) {
                    try await ClusterJourneyTests.isWell("kappa", region)
                }
                let components = try region.components()
                #expect(components.count == Set(components.map(\.name)).count, "nothing runs twice: \(components.map(\.name))")

                try await region.slipway("cluster", "delete", "kappa", "--no-wait").required()
                try await killRepeatedly(region, delays: [60, 200, 350])
                try await eventually("kappa is gone", within: .seconds(120)) {
                    try await region.slipway("cluster", "describe", "kappa").code == 2
                }
                try await region.expectNothingLeft()
            }
        }

        /// - Parameter delays: milliseconds from one start to the next kill.
        private func killRepeatedly(_ region: RegionFixture, delays: [Int]) async throws {
            for delay in delays {
                try await ContinuousClock().sleep(for: .milliseconds(delay))
                if let process = try await region.serverProcess { kill(process, SIGKILL) }
                try await eventually("s6 starts the manager again") { try await region.isReady }
            }
        }
    }
}
