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

/// What came of doing through an API server what customers do.
public struct CheckOutcome: Hashable, Sendable {
    /// What went wrong.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// What was done, and the status of the answer if there was one: "create: 500". Of two API servers, the same when they fail alike.
        public var step: String
        /// For people.
        public var detail: String
        /// There was no answer, which has too many causes to be the same of two API servers.
        public var isSilence = false

        public init(_ step: String, _ detail: String = "") {
            self.step = step
            self.detail = detail
        }

        public static func silence(_ detail: String) -> Failure {
            var failure = Failure("no answer:", detail)
            failure.isSilence = true
            return failure
        }

        public var description: String { detail.isEmpty ? step : "\(step) \(detail)" }
    }

    /// Nil: nothing went wrong.
    public var failure: Failure?
    /// Of all requests, the one that took longest: what it was, and seconds.
    public var slowest: String
    public var seconds: Double

    public init(failure: Failure? = nil, slowest: String = "", seconds: Double = 0) {
        self.failure = failure
        self.slowest = slowest
        self.seconds = seconds
    }

    /// A request that takes longer, in seconds, is slow; unless one of before is not quicker by this factor at the same time.
    static let slow = 1.0
    static let factor = 3.0

    /// What it says of an API server.
    /// - Parameter baseline: of one of before; nil when there is none.
    func result(baseline: CheckOutcome?) -> InstanceCheckResult {
        if let failure {
            guard let baseline, let other = baseline.failure else { return .failed("\(failure)") }
            return failure.step == other.step && !failure.isSilence ? .asBefore("\(other)") : .undecided("\(other)")
        }
        guard seconds > Self.slow, let baseline, baseline.failure == nil, seconds > baseline.seconds * Self.factor else { return .passed }
        func text(_ seconds: Double) -> String { "\((seconds * 10).rounded() / 10) s" }
        return .failed("\(slowest) took \(text(seconds)), and at most \(text(baseline.seconds)) on one of before")
    }
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
