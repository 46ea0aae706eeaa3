import FleetModel

/// Keeps new requests from a cluster's API servers for a moment, so that none is on its way through etcd when a member of it stops:
/// etcd with TLS cuts off what it has begun, and a write that is cut off is an error to its client. Held requests are not lost; they
/// wait in their connections, and go on.
public protocol RequestHolding: Sendable {
    /// Returns when what was begun has been answered, or after a while. Ends by itself within a second, whoever is killed.
    /// Where it does not work, requests go on, and it is logged.
    func holdRequests(in cluster: ClusterName) async
    func releaseRequests(in cluster: ClusterName) async
}
