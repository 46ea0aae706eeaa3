import FleetModel
import Foundation
import LocalSubstrate
import SlipwayTesting
import Substrate
import Testing
import Timing

@Suite(.serialized) struct LocalLimitsTests {
    @Test func instanceIsInItsControlGroups() async throws {
        try await LocalRegion.with(names: ["first"]) { region in
            let spec = region.sleeping("api-1")
            try await region.make(spec)
            let process = try await region.process(of: spec.id)
            let groups = try String(contentsOfFile: "/proc/\(process)/cgroup", encoding: .utf8)
            let path = "/\(region.prefix)/first/api-1"
            #expect(groups.contains(":memory:\(path)\n") || groups.contains("0::\(path)\n"), "\(groups)")
            let files = ["/sys/fs/cgroup/memory\(path)/memory.limit_in_bytes", "/sys/fs/cgroup\(path)/memory.max"]
            #expect(try await shell("cat \(files.joined(separator: " ")) 2>/dev/null").output == "\(256 << 20)")
        }
    }

    /// Bounds nothing; its line in the log says what the substrate itself costs.
    @Test func fiveInstancesAtOnce() async throws {
        try await LocalRegion.with(names: ["first"]) { region in
            let start = TimeSource.system.uptime
            try await region.substrate.ensureNetwork(NetworkSpec(cluster: region.names[0], network: region.networks[0]))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<5 {
                    group.addTask { try await region.substrate.ensureInstance(region.sleeping("api-\(index)", address: index)) }
                }
                group.addTask { try await region.substrate.ensureLoadBalancer(region.balancer()) }
                try await group.waitForAll()
            }
            let made = TimeSource.system.uptime
            for _ in 0..<20 { _ = try await region.substrate.observe(region.names[0]) }
            let observed = TimeSource.system.uptime
            try await region.substrate.removeEverything()
            let removed = TimeSource.system.uptime
            print(
                "network, five instances, load balancer: made in \((made - start).seconds) s, "
                    + "observed in \((observed - made).seconds / 20) s, removed in \((removed - observed).seconds) s")
        }
    }
}
