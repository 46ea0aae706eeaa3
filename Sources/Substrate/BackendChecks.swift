import FleetModel

/// What a load balancer's own check says of a backend at this moment.
public enum BackendCheck: String, Hashable, Sendable {
    /// The last check has passed, and the next has not begun.
    case passing
    /// A check is under way. That it is seen so twice in a row is unusual: a check takes milliseconds.
    case checking
    case failing
}

/// Asks a cluster's load balancer alone: cheaper than `Substrate.observe`, and reached without the cluster's network.
public protocol BackendChecking: Sendable {
    /// By instance name; empty when the balancer does not answer.
    func backendChecks(of cluster: ClusterName) async -> [String: BackendCheck]
}
