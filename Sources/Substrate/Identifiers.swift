import FleetModel

/// Names an instance: unique in its cluster.
public struct InstanceID: Codable, Hashable, Sendable, Comparable, CustomStringConvertible {
    public var cluster: ClusterName
    /// `etcd-local-1a`, `api-3`, `load-balancer`.
    public var name: String

    public init(cluster: ClusterName, name: String) {
        self.cluster = cluster
        self.name = name
    }

    public var description: String { "\(cluster)/\(name)" }
    public static func < (a: Self, b: Self) -> Bool { (a.cluster, a.name) < (b.cluster, b.name) }
}

/// Names a volume: unique in its cluster, and older than any instance that holds it.
public struct VolumeID: Codable, Hashable, Sendable, Comparable, CustomStringConvertible {
    public var cluster: ClusterName
    /// `etcd-local-1a`.
    public var name: String

    public init(cluster: ClusterName, name: String) {
        self.cluster = cluster
        self.name = name
    }

    public var description: String { "\(cluster)/\(name)" }
    public static func < (a: Self, b: Self) -> Bool { (a.cluster, a.name) < (b.cluster, b.name) }
}
