import Foundation

/// What is to be broken.
public struct FaultRequest: Codable, Sendable {
    /// `power`, `blackhole`, `loss=30%`, `slow`, `freeze`, `disk-slow` or `disk-full`.
    public var kind: String
    public var zone: String
    /// Nil: every cluster.
    public var cluster: String?
    /// Nil: every instance of the cluster, or of all, in the zone.
    public var instance: String?

    public init(kind: String, zone: String, cluster: String? = nil, instance: String? = nil) {
        self.kind = kind
        self.zone = zone
        self.cluster = cluster
        self.instance = instance
    }
}

/// A fault that stands, or that was cleared just now.
public struct FaultDetail: Codable, Hashable, Sendable {
    public var id: String
    public var kind: String
    public var zone: String
    public var cluster: String?
    public var instance: String?
    public var since: Date

    public init(id: String, kind: String, zone: String, cluster: String?, instance: String?, since: Date) {
        self.id = id
        self.kind = kind
        self.zone = zone
        self.cluster = cluster
        self.instance = instance
        self.since = since
    }

    /// For people: `zone local-1a`, `demo/etcd-local-1a in local-1a`.
    public var scope: String {
        guard let cluster else { return "zone \(zone)" }
        return "\(cluster)\(instance.map { "/\($0)" } ?? "") in \(zone)"
    }
}

public struct FaultList: Codable, Sendable {
    public var faults: [FaultDetail]
    public init(faults: [FaultDetail]) { self.faults = faults }
}
