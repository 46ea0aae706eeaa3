import FleetModel

/// Where instances live: what a cloud offers, and no more.
///
/// Every `ensure` and `remove` is idempotent, bounded in time, and may be repeated or interrupted at any point; a later
/// call finishes what an earlier one began. Calls for different clusters, and for different instances of one cluster, may
/// run at the same time. All of them throw `SubstrateError`.
public protocol Substrate: Sendable {
    /// What everything else stands on: the pool's `unreachable` route, isolation between clusters. Called at start.
    func prepare() async throws

    /// Every cluster of which anything exists.
    func clusters() async throws -> [ClusterName]

    func observe(_ cluster: ClusterName) async throws -> SubstrateObservation

    func ensureNetwork(_ spec: NetworkSpec) async throws
    func removeNetwork(of cluster: ClusterName) async throws

    func ensureVolume(_ spec: VolumeSpec) async throws
    /// The data is gone afterwards.
    func removeVolume(_ id: VolumeID) async throws

    /// Makes and starts the instance, or completes it. An instance that exists with another release, configuration
    /// revision or size is taken down and made anew with the same address and volume; one in which a standby is taking over is completed first, and
    /// nothing else is done then.
    func ensureInstance(_ spec: InstanceSpec) async throws

    /// Starts the API server of this spec beside the one that a running instance has, in the same instance: its standby. It reads the
    /// instance's own files, and is reached at the instance's address and `StandbyServer.port` by Slipway's host alone. A standby of
    /// another spec gives way.
    /// - Throws: `SubstrateError`: `invalid` where the spec differs from the instance in more than its release.
    func ensureStandby(_ spec: InstanceSpec) async throws
    /// The standby of just that spec takes over: from one moment to the next it gets all new connections. The server of before goes on
    /// with those that it has until `finishHandover`. Nothing is refused meanwhile.
    /// - Throws: `SubstrateError`: `failed` when no such standby runs.
    func promoteStandby(_ spec: InstanceSpec) async throws
    /// After a standby has taken over: the controller manager and the scheduler of before end, and those of the standby's release start.
    /// `finishHandover` does this, too, where it was not done.
    /// - Returns: those that have ended; not those that are of the same program, and stay.
    func exchangeControllers(of id: InstanceID) async throws -> [ComponentKind]
    /// After a standby has taken over: the server of before finishes what it has begun and ends, and what else runs beside them and is of a
    /// release is exchanged.
    func finishHandover(of id: InstanceID) async throws
    /// Ends an instance's standby, if it has one.
    func removeStandby(of id: InstanceID) async throws
    /// Ends the controller manager and the scheduler of a running instance. They stay down until `startControllers`, or until the instance
    /// itself is started anew.
    func stopControllers(of id: InstanceID) async throws
    func startControllers(of id: InstanceID) async throws
    /// - Parameter gracefully: its components get the time to finish what they have begun and to send their clients away; else
    ///   nobody is served by it any more.
    func removeInstance(_ id: InstanceID, gracefully: Bool) async throws

    /// Replaces files of a running instance, each atomically, without touching its processes.
    func writeFiles(_ files: [InstanceFile], to id: InstanceID) async throws

    /// Makes these addresses of the cluster fail at once, by a TCP reset, for every other instance of the cluster and for its
    /// endpoint; and what their holders still send is reset too. Connections that are open are reset as well. Without it, what is
    /// unreachable costs everybody who talks to it a timeout.
    ///
    /// The whole set each time; an empty one lifts the fence. Instances made while it stands get it before they start. It needs
    /// nothing of the fenced instances or their zone. Slipway's own host is not fenced off: its probes must see whether what is
    /// behind a fence works again.
    func ensureFence(_ addresses: Set<IPv4Address>, of cluster: ClusterName) async throws

    /// Ends, once, the open connections of the cluster's API servers to these addresses: what waits on them fails now.
    func resetClients(of addresses: Set<IPv4Address>, in cluster: ClusterName) async throws

    func ensureLoadBalancer(_ spec: LoadBalancerSpec) async throws
    func removeLoadBalancer(of cluster: ClusterName) async throws

    /// Where an instance finds its files.
    func paths(of id: InstanceID, volume: VolumeID?) -> InstancePaths
}

extension Substrate {
    public func removeInstance(_ id: InstanceID) async throws { try await removeInstance(id, gracefully: false) }
}

/// What a substrate could not do.
public struct SubstrateError: Error, Sendable, CustomStringConvertible {
    public struct Code: Hashable, Sendable {
        private enum Value { case unavailable, invalid, invalidArtifact, noSpace, conflict, permission, missingTool, timedOut, failed }
        private var value: Value
        /// Nothing answers just now; trying again may help.
        public static let unavailable = Code(value: .unavailable)
        /// What was asked for cannot be; asking again does not help.
        public static let invalid = Code(value: .invalid)
        /// A program's content is not what its release says.
        public static let invalidArtifact = Code(value: .invalidArtifact)
        public static let noSpace = Code(value: .noSpace)
        /// An address or volume is held by somebody else.
        public static let conflict = Code(value: .conflict)
        public static let permission = Code(value: .permission)
        public static let missingTool = Code(value: .missingTool)
        public static let timedOut = Code(value: .timedOut)
        public static let failed = Code(value: .failed)
    }

    public var code: Code
    /// What happened and what to do.
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { cause.map { "\(message) (\($0))" } ?? message }
}
