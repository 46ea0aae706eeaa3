import FleetModel
import Planning
import Substrate

/// Makes of a planner's intent what a substrate can start: command lines, files, certificates.
public protocol InstanceRendering: Sendable {
    func instance(_ intent: InstanceIntent, of cluster: Cluster) async throws -> InstanceSpec
    func loadBalancer(_ intent: LoadBalancerIntent, of cluster: Cluster) async throws -> LoadBalancerSpec
    /// The certificates of the cluster's CAs that clients are to trust, PEM: one, and two during a rotation.
    func certificateAuthority(of cluster: Cluster) async throws -> String
}

/// What is done to a running control plane through its own interfaces.
public protocol ControlPlaneOperations: Sendable {
    /// Makes the Kubernetes objects that Slipway keeps in every cluster, and waits until its controller manager and scheduler are
    /// at work. Idempotent.
    /// - Returns: whether it is done; else it is to be repeated.
    func bootstrap(_ cluster: Cluster) async throws -> Bool
    /// Does through the API server at `address` what customers do: creates, watches, changes and deletes an object.
    /// - Throws: when it could not be tried at all, and on cancellation.
    func check(_ address: ServerAddress, of cluster: Cluster) async throws -> CheckOutcome
    /// Sees to it that a watch through the API server at `address` is open, so that what ends watches on all of them is known.
    func keepWatch(_ address: ServerAddress, of cluster: Cluster) async
    /// Who leads among the controllers, by the component's name; only those who say so still.
    func leads(of cluster: Cluster) async throws -> [String: ControllerLead]
    /// Ends an instance of API servers, or the controllers in it, and gives back what these led: their leases would else keep everybody else from
    /// being at work for 15 s. That this cannot be done is no error.
    /// - Parameter end: says which of them have ended by it.
    func handingLeadsOver(
        of id: InstanceID, in cluster: Cluster, _ end: @Sendable () async throws -> [ComponentKind]) async throws
    /// Hands etcd's leadership over; returns when the new leader leads.
    func moveLeader(of cluster: Cluster, from: InstanceID, to: InstanceID) async throws
    /// Who is a member of etcd, as the quorum of the cluster knows it.
    /// - Parameter members: of whom one is asked.
    func membership(of cluster: Cluster, asking members: [InstanceID]) async throws -> [EtcdMembership]
    /// Ends a membership; nothing when there is none.
    func removeMember(_ id: InstanceID, of cluster: Cluster) async throws
    /// Enters a member as a learner; nothing when it is entered.
    func addMember(_ id: InstanceID, _ address: IPv4Address, of cluster: Cluster) async throws
    /// Makes a learner a voter. Waits a while for it to catch up; returns also when it has not.
    func promoteMember(_ id: InstanceID, _ address: IPv4Address, of cluster: Cluster) async throws
}

/// An error of the fleet's controllers.
public struct FleetError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        case invariant, timedOut, unknownRelease, kubernetes, credentials
    }

    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { cause.map { "\(message) (\($0))" } ?? message }
}
