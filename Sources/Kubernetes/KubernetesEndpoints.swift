import FleetModel

/// Ports and paths by which the components of a control plane are reached.
public enum KubernetesEndpoints {
    /// The cluster's endpoint, on the load balancer.
    public static let endpointPort: UInt16 = 443
    public static let apiServerPort: UInt16 = 6443
    public static let controllerManagerPort: UInt16 = 10257
    public static let schedulerPort: UInt16 = 10259
    public static let etcdClientPort: UInt16 = 2379
    public static let etcdPeerPort: UInt16 = 2380
    /// `/metrics` and `/health` only, over TLS with a client certificate, like all of etcd.
    public static let etcdMetricsPort: UInt16 = 2381
    /// On the loopback address of each API server instance.
    public static let authenticatorPort: UInt16 = 21362
    public static let authenticatorPath = "/authenticate"

    /// Says 200 when requests should be sent here; takes no credentials. Fails as soon as a shutdown begins.
    public static let readyPath = "/readyz"
    /// Says 200 unless a restart is needed.
    public static let livePath = "/livez"
    /// Of the controller manager and the scheduler.
    public static let healthPath = "/healthz"
    /// Of etcd, on its metrics port: it has a leader and answers a linearizable read. A member that has raised an alarm still does
    /// both: to take it for dead would make an outage of a full database.
    public static let etcdHealthPath = "/health?exclude=NOSPACE&exclude=CORRUPT"
    /// The same, and no alarm stands.
    public static let etcdAlarmPath = "/health"
    public static let metricsPath = "/metrics"

    /// Slipway's own door on the load balancer: only the host comes in by it, whatever is said of who reaches the endpoint.
    public static let serviceDoorPort: UInt16 = 8443

    /// The endpoint as Slipway reaches it, whoever else may.
    public static func wayIn(_ spec: ControlPlaneSpec) -> String {
        spec.endpointAccess == nil ? endpoint(of: spec.network) : serviceDoor(of: spec.network)
    }

    public static func serviceDoor(of network: ClusterNetwork) -> String { "https://\(network.loadBalancer):\(serviceDoorPort)" }

    /// What users are told: no port, as EKS has it.
    public static func endpoint(of network: ClusterNetwork) -> String { "https://\(network.loadBalancer)" }

    public static func apiServer(at address: IPv4Address, port: UInt16 = apiServerPort, path: String = "") -> String {
        "https://\(address):\(port)\(path)"
    }

    public static func etcdClient(at address: IPv4Address) -> String { "https://\(address):\(etcdClientPort)" }

    public static func etcdMetrics(at address: IPv4Address, path: String) -> String { "https://\(address):\(etcdMetricsPort)\(path)" }
}
