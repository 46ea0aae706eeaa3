import FleetModel
import Foundation
import Testing

@Suite struct NetworkTests {
    @Test func addressesAreReadAndWritten() throws {
        #expect(try IPv4Address("100.66.0.2").bits == 100 << 24 | 66 << 16 | 2)
        #expect(try IPv4Address("255.255.255.255").description == "255.255.255.255")
        #expect(try IPv4Address("10.0.0.9") < IPv4Address("10.0.0.10"))
    }

    @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.-4", "1.2.3.a", "1..2.3", "1.2.3.4 ", "01234.1.1.1"])
    func otherTextIsNoAddress(text: String) {
        #expect { try IPv4Address(text) } throws: { ($0 as? FleetModelError)?.code == .invalidAddress }
    }

    @Test(arguments: ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.1/24", "10.0.0.0/8/8", "x/8"])
    func otherTextIsNoBlock(text: String) {
        #expect { try IPv4Block(text) } throws: { ($0 as? FleetModelError)?.code == .invalidAddress }
    }

    @Test func blocks() throws {
        let block = try IPv4Block("100.66.0.0/16")
        #expect(block.count == 65536)
        #expect(block.contains(try IPv4Address("100.66.255.255")))
        #expect(!block.contains(try IPv4Address("100.67.0.0")))
        #expect(block.overlaps(try IPv4Block("100.66.4.0/24")))
        #expect(try IPv4Block("0.0.0.0/0").overlaps(block))
        #expect(!block.overlaps(try IPv4Block("100.67.0.0/16")))
    }

    @Test func everyClusterHasABlockOfItsOwn() throws {
        let pool = try IPv4Block("100.66.0.0/16")
        let capacity = ClusterNetwork.capacity(of: pool)
        #expect(capacity == 2048)
        let networks = try (0..<capacity).map { try ClusterNetwork(pool: pool, slot: $0) }
        #expect(Set(networks).count == capacity)
        #expect(networks.allSatisfy { pool.contains($0.block.base) && pool.contains($0.block[31]) })
        for slot in [-1, capacity] {
            #expect { try ClusterNetwork(pool: pool, slot: slot) } throws: { ($0 as? FleetModelError)?.code == .capacity }
        }
        #expect(ClusterNetwork.capacity(of: try IPv4Block("10.0.0.0/28")) == 0)
    }

    @Test func addressesOfAClusterDoNotMeet() throws {
        let network = try ClusterNetwork(pool: try IPv4Block("100.66.0.0/16"), slot: 3)
        let addresses = [network.gateway, network.loadBalancer] + (0..<5).map { network.etcdMember($0) } + network.apiServers
        #expect(Set(addresses).count == addresses.count)
        #expect(addresses.allSatisfy { network.block.contains($0) && $0 != network.block.base && $0 != network.block[31] })
        #expect(network.apiServers.count == 23)
    }

    @Test func valuesSurviveJSON() throws {
        let network = try ClusterNetwork(pool: try IPv4Block("100.66.0.0/16"), slot: 7)
        let data = try JSONEncoder().encode(network)
        #expect(try JSONDecoder().decode(ClusterNetwork.self, from: data) == network)
        #expect(String(decoding: data, as: UTF8.self).contains("100.66.0.224"))
    }
}
