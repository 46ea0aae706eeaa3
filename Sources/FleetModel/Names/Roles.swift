/// What an instance is for.
public enum InstanceRole: String, Codable, Hashable, Sendable, CaseIterable {
    case etcd, apiServer, loadBalancer
}

/// One process on an instance. The raw value is the process's usual program name.
public enum ComponentKind: String, Codable, Hashable, Sendable, CaseIterable, Comparable {
    case etcd
    case apiServer = "kube-apiserver"
    case controllerManager = "kube-controller-manager"
    case scheduler = "kube-scheduler"
    case authenticator
    case kmsPlugin = "kms-plugin"
    case loadBalancer = "haproxy"

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// How much of a machine an instance gets. Limits are enforced by the substrate (cgroups on `local`).
public struct InstanceSize: Codable, Hashable, Sendable {
    /// For example `small`; a change of size is a change of this name.
    public var name: String
    /// Hard limit in MiB.
    public var memoryMiB: Int
    /// Relative weight in thousandths of a CPU (Kubernetes' millicores).
    public var milliCPU: Int
    /// Highest number of processes and threads.
    public var maximumProcesses: Int

    /// Of an etcd member's database, in MiB; nil for the standard.
    public var databaseQuotaMiB: Int?

    public init(name: String, memoryMiB: Int, milliCPU: Int, maximumProcesses: Int = 4096, databaseQuotaMiB: Int? = nil) {
        self.name = name
        self.memoryMiB = memoryMiB
        self.milliCPU = milliCPU
        self.maximumProcesses = maximumProcesses
        self.databaseQuotaMiB = databaseQuotaMiB
    }

    /// 8 GiB, as EKS documents its limit and as etcd's own documentation advises at most.
    public static let standardDatabaseQuotaMiB = 8192
    /// Below, the bare cluster fills it; above, etcd takes too long to start and to defragment.
    public static let databaseQuotas = 16...16_384

    /// Of an etcd member's database.
    public var databaseQuotaBytes: Int64 { Int64(databaseQuotaMiB ?? Self.standardDatabaseQuotaMiB) << 20 }

    /// The same with another quota. The name says it: a change of size is a change of the name.
    public func withDatabaseQuota(mebibytes: Int) -> InstanceSize {
        var size = self
        let base = name.split(separator: "-quota-").first.map(String.init) ?? name
        let isStandard = mebibytes == Self.standardDatabaseQuotaMiB
        size.name = isStandard ? base : "\(base)-quota-\(mebibytes)"
        size.databaseQuotaMiB = isStandard ? nil : mebibytes
        return size
    }

    public static let etcdSmall = InstanceSize(name: "etcd-small", memoryMiB: 1024, milliCPU: 1000)
    /// With 100,000 secrets an instance was seen to take 1.5 GiB while its API server starts.
    public static let apiServerSmall = InstanceSize(name: "api-small", memoryMiB: 4096, milliCPU: 2000)
    public static let loadBalancerSmall = InstanceSize(name: "lb-small", memoryMiB: 256, milliCPU: 500)
}

extension ComponentKind {
    /// Of those that run beside each API server, the ones of which one leads in a cluster.
    public static let controllers = [ComponentKind.controllerManager, .scheduler]
}
