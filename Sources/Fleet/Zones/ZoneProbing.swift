import FleetModel
import Planning
import Substrate

/// Whom a zone's probe asks, and where.
public struct ProbeEndpoint: Sendable {
    public var subject: ProbeSubject
    public var address: IPv4Address
    /// Whose authorities and identities the connection is made with.
    public var cluster: Cluster

    public init(subject: ProbeSubject, address: IPv4Address, cluster: Cluster) {
        self.subject = subject
        self.address = address
        self.cluster = cluster
    }
}

/// Looks at instances several times a second, from where Slipway is.
public protocol ZoneProbing: Sendable {
    /// Says what is known of each, asks those again that have answered, and does not wait for answers. Who is not named any more
    /// is forgotten. Who cannot be asked at all is missing in the answer.
    func look(at endpoints: [ProbeEndpoint]) async -> [ProbeSubject: ProbeSample]

    /// What etcd members in other zones say of their connection to this one. Asks them, for a second at most.
    /// - Parameter members: of the same cluster, those that answer.
    func peers(of lost: ProbeEndpoint, as seenBy: [ProbeEndpoint]) async -> PeerView?
}
