import FleetModel
import Foundation

/// Something that was broken on purpose and stands until it is cleared. It holds for everything that its scope covers, also
/// for instances that are made later.
///
/// A fault of a zone, or of a cluster in it, covers instances of both roles; the load balancer belongs to no zone and is never
/// covered. `disk-slow` and `disk-full` take effect on instances with a volume only.
public struct Fault: Codable, Hashable, Sendable, Identifiable {
    /// 1 to 40 lower-case letters, digits and `-`; given by who injects it.
    public var id: String
    public var zone: ZoneName
    /// Nil: every cluster that has instances in the zone.
    public var cluster: ClusterName?
    /// An instance's name in the cluster; nil: every instance of the cluster (or of all) in the zone.
    public var instance: String?
    public var kind: FaultKind
    /// Wall time.
    public var since: Date

    public init(id: String, zone: ZoneName, cluster: ClusterName? = nil, instance: String? = nil, kind: FaultKind, since: Date) {
        self.id = id
        self.zone = zone
        self.cluster = cluster
        self.instance = instance
        self.kind = kind
        self.since = since
    }

    /// Whether an instance in that zone is hit.
    public func covers(_ id: InstanceID, in zone: ZoneName) -> Bool {
        self.zone == zone && (cluster.map { $0 == id.cluster } ?? true) && (instance.map { $0 == id.name } ?? true)
    }

    /// `zone local-1a`, `demo in local-1a`, `demo/etcd-local-1a in local-1a`.
    public var scope: String {
        guard let cluster else { return "zone \(zone)" }
        return "\(cluster)\(instance.map { "/\($0)" } ?? "") in \(zone)"
    }
}

/// A substrate that can be broken on purpose.
///
/// Faults are kept by the substrate itself: they outlive the process that injected them. Controllers are not told of them and
/// see what a remote observer could see. `Substrate.observe` says what was last known of an instance that nobody can reach: it
/// is `running` in a zone without power, with no component that answers (`isUp` false); the other faults do not show there at
/// all. Probes and the load balancer's checks show what really answers. While `power` stands, `ensureInstance` of what it
/// covers throws `SubstrateError` (`unavailable`); removing is possible, as a cloud lets go of an instance whose host is dead.
public protocol FaultInjecting: Sendable {
    /// Breaks what the fault covers. Injecting a fault that stands already changes nothing; it takes hold again of what it covers.
    /// - Throws: `SubstrateError`: `invalid` for a fault that cannot be, `conflict` when another fault has its id, `failed` when the
    ///   host refuses; nothing of the fault stays then.
    func inject(_ fault: Fault) async throws

    /// The faults that stand, oldest first.
    func faults() async throws -> [Fault]

    /// Undoes one fault, or all with nil: what died is started again, links and rules are as before.
    /// - Throws: `SubstrateError` (`invalid`) when no fault has that id; `failed` when something could not be undone: the fault
    ///   stands until it can.
    func clear(_ id: String?) async throws
}

extension Fault {
    /// - Throws: `SubstrateError` (`invalid`) for an id or a scope that cannot be.
    public func check() throws(SubstrateError) {
        let allowed = id.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) || $0 == 45 }
        guard allowed, (1...40).contains(id.utf8.count) else {
            throw SubstrateError(.invalid, "'\(id.prefix(60))' cannot be a fault's id: use 1 to 40 lower-case letters, digits and '-'.")
        }
        guard instance == nil || cluster != nil else {
            throw SubstrateError(
                .invalid, "A fault of one instance needs the cluster's name, too: instances are named within their cluster.")
        }
    }
}
