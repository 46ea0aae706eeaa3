import FleetModel

/// Where a `LocalSubstrate` keeps its things, and what it may use of the host.
public struct LocalSubstrateConfiguration: Sendable {
    /// Clusters' directories: volumes, instances, logs. Absolute.
    public var dataDirectory: String
    /// Sockets; gone after a restart of the host. Absolute.
    public var runDirectory: String
    public var regionName: String
    /// Clusters' networks are blocks of it. Nothing else on the host may use it.
    public var addressPool: IPv4Block
    /// Begins every name on the host (network namespaces, cgroups, nftables table), so that several regions share a host.
    /// Letters, digits and `_`.
    public var hostPrefix: String
    /// How long a component that ended stays down, on top of the second that s6-supervise waits by itself after each end. Measured
    /// over 20 kills of etcd: up again after 1.3 s with 300 ms here.
    public var restartDelay: Duration
    /// How long components get to end by themselves before they are killed.
    public var stopTimeout: Duration
    /// When true, CPU above an instance's size is refused; else the size is a relative weight.
    public var hardCPULimit: Bool
    public var loadBalancerSize: InstanceSize

    /// - Parameter hostPrefix: nil for `slipway`, with a hash appended when `dataDirectory` is not the default one.
    public init(
        dataDirectory: String = Self.defaultDataDirectory, runDirectory: String = "/run/slipway", regionName: String = "local-1",
        addressPool: IPv4Block = Self.defaultAddressPool, hostPrefix: String? = nil, restartDelay: Duration = .zero,
        stopTimeout: Duration = .seconds(10), hardCPULimit: Bool = false, loadBalancerSize: InstanceSize = .loadBalancerSmall
    ) {
        self.dataDirectory = Self.normal(dataDirectory)
        self.runDirectory = Self.normal(runDirectory)
        self.regionName = regionName
        self.addressPool = addressPool
        self.hostPrefix =
            hostPrefix
            ?? (self.dataDirectory == Self.defaultDataDirectory
                ? "slipway" : "slipway_" + StableHash(self.dataDirectory).hex(6))
        self.restartDelay = restartDelay
        self.stopTimeout = stopTimeout
        self.hardCPULimit = hardCPULimit
        self.loadBalancerSize = loadBalancerSize
    }

    public static let defaultDataDirectory = "/var/lib/slipway"
    /// In the shared address space of RFC 6598, which no host routes to the outside.
    public static let defaultAddressPool = IPv4Block(base: IPv4Address(bits: 100 << 24 | 66 << 16), prefixLength: 16)

    private static func normal(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
