/// The shape of a control plane: everything that changes running components, and nothing else does.
public struct ControlPlaneSpec: Codable, Hashable, Sendable {
    /// What API servers and all that runs beside them are made of.
    public var release: ReleaseID
    /// What etcd's members are made of. Another one than `release` when that has the very same etcd: then no member is replaced.
    public var etcdRelease: ReleaseID
    /// The release's Kubernetes version.
    public var version: KubernetesVersion
    /// Raised by one when flags or certificates of all running components are to change.
    public var configurationRevision: Int
    /// Raised by one when those of API servers and what runs beside them are to change, and not etcd's.
    public var apiServerRevision: Int
    /// Raised by one when the endpoint's checks are to trust other authorities.
    public var trustRevision: Int
    /// In order; one etcd member in each of the first three.
    public var zones: [ZoneName]
    /// 2 or more.
    public var apiServerCount: Int
    public var etcdSize: InstanceSize
    public var apiServerSize: InstanceSize
    public var network: ClusterNetwork
    /// Who reaches the endpoint; nil: everybody.
    public var endpointAccess: EndpointAccess?

    /// The zones that hold an etcd member: the first three, or the only one.
    public var memberZones: [ZoneName] { Array(zones.prefix(3)) }

    public init(
        release: ReleaseID, version: KubernetesVersion, configurationRevision: Int = 1, zones: [ZoneName], apiServerCount: Int = 2,
        etcdSize: InstanceSize = .etcdSmall, apiServerSize: InstanceSize = .apiServerSmall, network: ClusterNetwork
    ) {
        self.release = release
        self.etcdRelease = release
        self.version = version
        self.configurationRevision = configurationRevision
        self.apiServerRevision = 0
        self.trustRevision = 0
        self.zones = zones
        self.apiServerCount = apiServerCount
        self.etcdSize = etcdSize
        self.apiServerSize = apiServerSize
        self.network = network
    }

    /// Specs of before know one release and one revision for everything.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        release = try values.decode(ReleaseID.self, forKey: .release)
        etcdRelease = try values.decodeIfPresent(ReleaseID.self, forKey: .etcdRelease) ?? release
        version = try values.decode(KubernetesVersion.self, forKey: .version)
        configurationRevision = try values.decode(Int.self, forKey: .configurationRevision)
        apiServerRevision = try values.decodeIfPresent(Int.self, forKey: .apiServerRevision) ?? 0
        trustRevision = try values.decodeIfPresent(Int.self, forKey: .trustRevision) ?? 0
        zones = try values.decode([ZoneName].self, forKey: .zones)
        apiServerCount = try values.decode(Int.self, forKey: .apiServerCount)
        etcdSize = try values.decode(InstanceSize.self, forKey: .etcdSize)
        apiServerSize = try values.decode(InstanceSize.self, forKey: .apiServerSize)
        network = try values.decode(ClusterNetwork.self, forKey: .network)
        endpointAccess = try values.decodeIfPresent(EndpointAccess.self, forKey: .endpointAccess)
    }

    /// What an instance of that role is to be made of.
    public func release(of role: InstanceRole) -> ReleaseID { role == .etcd ? etcdRelease : release }

    /// The configuration revision of an instance of that role. Both parts rise with each change, and fall
    /// only when an update that raised one of them goes back.
    public func revision(of role: InstanceRole) -> Int {
        role == .etcd ? configurationRevision : configurationRevision + apiServerRevision
    }

    /// The name of the size of an instance of that role.
    public func sizeName(of role: InstanceRole) -> String { role == .etcd ? etcdSize.name : apiServerSize.name }
}
