import AsyncHTTPClient
import EtcdClient
import FleetModel
import Kubernetes
import PKI
import Planning
import Substrate
import Timing

/// Works on real control planes: Kubernetes objects over the endpoint, etcd over its own API.
public struct LiveControlPlaneOperations: ControlPlaneOperations {
    private let client: HTTPClient
    private let credentials: CredentialStore
    private let requests: (any RequestHolding)?
    private let time: TimeSource
    private let watches: OpenWatches

    /// - Parameter requests: holds clusters' requests; nil where that cannot be done.
    public init(client: HTTPClient, credentials: CredentialStore, requests: (any RequestHolding)? = nil, time: TimeSource) {
        self.requests = requests
        self.client = client
        self.credentials = credentials
        self.time = time
        watches = OpenWatches(time: time)
    }

    /// Until its controllers lead, a cluster is looked at this often, and repaired.
    private static let controllerPatience = Duration.seconds(2)
    /// Who waits for an instance's end does not wait for long for its leases.
    private static let leaseTimeout = Duration.seconds(2)
    /// Not so where what a backup holds is put right, which is not to be repeated while controllers work with it.
    private static let backupPatience = Duration.seconds(50)

    public func bootstrap(_ cluster: Cluster) async throws -> Bool {
        let api = try await api(of: cluster)
        let isOfBackup = cluster.spec.restore?.kind == .newCluster
        if isOfBackup { try await RestoredObjects(api: api).putRight() }
        for object in try AccessPolicyManifests.clusterObjects() { try await api.apply(object) }
        return try await ControllerLeases(api: api, time: time).areHeld(
            patience: isOfBackup ? Self.backupPatience : Self.controllerPatience)
    }

    public func check(_ server: ServerAddress, of cluster: Cluster) async throws -> CheckOutcome {
        let check = CustomerCheck(
            api: try await api(of: cluster, at: Self.url(of: server)), openWatch: openWatch(server, cluster),
            isEncrypted: cluster.spec.encryption != nil, time: time)
        async let helper = server.hasControllers ? helperFailure(at: server.address, of: cluster) : nil
        var outcome = try await check.run()
        let answers = !outcome.failures.contains { $0.kind == .silence }
        if let failure = try await helper, answers { outcome.failures.append(failure) }
        return outcome
    }

    public func keepWatch(_ server: ServerAddress, of cluster: Cluster) async {
        let watch = openWatch(server, cluster)
        // A client needs a certificate of its own, which is not made for nothing.
        if watch.isKept() { return }
        if let api = try? await api(of: cluster, at: Self.url(of: server)) { watch.open(api) }
    }

    private static func url(of server: ServerAddress) -> String {
        KubernetesEndpoints.apiServer(at: server.address, port: server.port ?? KubernetesEndpoints.apiServerPort)
    }

    private func openWatch(_ server: ServerAddress, _ cluster: Cluster) -> OpenWatch {
        watches.watch(of: cluster.metadata.uid, at: Self.url(of: server))
    }

    public func leads(of cluster: Cluster) async throws -> [String: ControllerLead] {
        try await ControllerLeases(api: try await api(of: cluster), time: time).leads()
    }

    public func handingLeadsOver(
        of id: InstanceID, in cluster: Cluster, _ end: @Sendable () async throws -> [ComponentKind]
    ) async throws {
        // Both within the time in which the endpoint answers if it does at all.
        let leases = try? await within(Self.leaseTimeout, time) { ControllerLeases(api: try await api(of: cluster), time: time) }
        let held = (try? await within(Self.leaseTimeout, time) { try await leases?.held(by: id.name) }) ?? []
        // Who goes on leads on.
        let ended = Set(try await end().map(\.rawValue))
        _ = try? await within(Self.leaseTimeout, time) {
            for lease in held where ended.contains(lease.metadata.name) { try await leases?.giveBack(lease) }
        }
    }

    /// etcd's revision of a cluster just now; nil when it does not answer.
    public func etcdRevision(of cluster: Cluster) async -> Int64? {
        try? await EtcdClient.with(try await access(to: cluster).configuration()) { try await $0.range(.key([0])).revision }
    }

    public func moveLeader(of cluster: Cluster, from: InstanceID, to: InstanceID) async throws {
        try await EtcdLeadership(access: try await access(to: cluster), requests: requests).move(from: from.name, to: to.name)
    }

    public func membership(of cluster: Cluster, asking members: [InstanceID]) async throws -> [EtcdMembership] {
        try await memberships(of: cluster).list(asking: members.map(\.name))
    }

    public func removeMember(_ id: InstanceID, of cluster: Cluster) async throws { try await memberships(of: cluster).remove(id) }

    public func addMember(_ id: InstanceID, _ address: IPv4Address, of cluster: Cluster) async throws {
        try await memberships(of: cluster).add(id, address)
    }

    public func promoteMember(_ id: InstanceID, _ address: IPv4Address, of cluster: Cluster) async throws {
        try await memberships(of: cluster).promote(id, address)
    }

    func access(to cluster: Cluster) async throws -> EtcdAccess {
        EtcdAccess(cluster: cluster, credentials: try await credentials.credentials(of: cluster), time: time)
    }

    private func memberships(of cluster: Cluster) async throws -> EtcdMemberships {
        EtcdMemberships(access: try await access(to: cluster), time: time)
    }

    /// The cluster's API as Slipway sees it: through the endpoint, as an administrator for an hour.
    func api(of cluster: Cluster) async throws -> KubernetesAPI {
        try await api(of: cluster, at: KubernetesEndpoints.wayIn(cluster.spec.controlPlane))
    }

    func api(of cluster: Cluster, at base: String) async throws -> KubernetesAPI {
        let credentials = try await credentials.credentials(of: cluster)
        let identity = try credentials.clientCertificate(user: "slipway", groups: ["system:masters"], now: time.now, lifetime: 3600)
        return try KubernetesAPI(
            client: client, base: base,
            authority: credentials.clusterTrust, identity: identity)
    }
}
