/// The addresses of one cluster: a block of 32 out of the region's pool.
///
/// | offset | holder |
/// |---|---|
/// | 1 | gateway: the host's end |
/// | 2 | load balancer: the cluster's endpoint |
/// | 3 to 7 | etcd members, static, by the order of the cluster's zones |
/// | 8 to 30 | API server instances, handed out to each new one |
public struct ClusterNetwork: Codable, Hashable, Sendable {
    public var block: IPv4Block

    /// Addresses in one cluster's block.
    public static let prefixLength = 27

    public init(block: IPv4Block) { self.block = block }

    /// - Parameter slot: which block of the pool, from 0.
    /// - Throws: `FleetModelError` (`capacity`) when the pool has no such slot.
    public init(pool: IPv4Block, slot: Int) throws {
        guard slot >= 0, slot < Self.capacity(of: pool) else {
            throw FleetModelError(
                .capacity, "The address pool \(pool) has room for \(Self.capacity(of: pool)) clusters and all of it is taken.")
        }
        self.block = IPv4Block(base: pool[slot << (32 - Self.prefixLength)], prefixLength: Self.prefixLength)
    }

    /// How many clusters a pool can hold.
    public static func capacity(of pool: IPv4Block) -> Int {
        pool.prefixLength > prefixLength ? 0 : 1 << (prefixLength - pool.prefixLength)
    }

    public var gateway: IPv4Address { block[1] }
    public var loadBalancer: IPv4Address { block[2] }
    /// - Parameter index: of the member's zone in the cluster's zones, 0 to 4.
    public func etcdMember(_ index: Int) -> IPv4Address { block[3 + index] }
    public var apiServers: [IPv4Address] { (8...30).map { block[$0] } }
}
