import FleetModel

/// A second API server in an instance, of another release: nobody is served by it until it takes over.
public struct StandbyServer: Codable, Hashable, Sendable {
    public var release: ReleaseID
    public var component: ComponentObservation
    /// At which Slipway's host reaches it, at its instance's address.
    public var port: UInt16

    public init(release: ReleaseID, component: ComponentObservation, port: UInt16) {
        self.port = port
        self.release = release
        self.component = component
    }
}

extension InstanceID {
    /// The name by which an instance's standby is probed, checked and judged, as if it were an instance. No instance has a `+`.
    public var standby: InstanceID { InstanceID(cluster: cluster, name: Self.standbyName(of: name)) }

    public static func standbyName(of name: String) -> String { name + standbySuffix }

    /// It is a standby's.
    public var isStandby: Bool { name.hasSuffix(Self.standbySuffix) }

    /// The instance in which it is.
    public var holder: InstanceID {
        isStandby ? InstanceID(cluster: cluster, name: String(name.dropLast(Self.standbySuffix.count))) : self
    }

    private static let standbySuffix = "+next"
}

extension InstanceObservation {
    /// Its standby, as if it were an instance; nil without one.
    public var standbyInstance: InstanceObservation? {
        guard let standby, state == .running else { return nil }
        var seen = self
        seen.id = id.standby
        seen.release = standby.release
        seen.components = [standby.component]
        seen.isHandingOver = false
        seen.serverPort = standby.port
        seen.standby = nil
        return seen
    }
}

extension SubstrateObservation {
    /// Instances, and standbys as if they were some.
    public var instancesAndStandbys: [InstanceObservation] { instances + instances.compactMap(\.standbyInstance) }
}
