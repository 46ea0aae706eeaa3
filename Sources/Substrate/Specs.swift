import FleetModel
import Foundation

/// The private network of a cluster.
public struct NetworkSpec: Codable, Hashable, Sendable {
    public var cluster: ClusterName
    public var network: ClusterNetwork

    public init(cluster: ClusterName, network: ClusterNetwork) {
        self.cluster = cluster
        self.network = network
    }
}

/// Storage of one etcd member.
public struct VolumeSpec: Codable, Hashable, Sendable {
    public var id: VolumeID
    public var zone: ZoneName

    public init(id: VolumeID, zone: ZoneName) {
        self.id = id
        self.zone = zone
    }
}

/// A file that an instance's component reads. Its path is relative to the instance's directory.
public struct InstanceFile: Codable, Hashable, Sendable {
    /// For example `pki/ca.crt`.
    public var path: String
    public var content: String
    /// Unix permission bits, such as `0o600`.
    public var mode: UInt16

    public init(path: String, content: String, mode: UInt16 = 0o600) {
        self.path = path
        self.content = content
        self.mode = mode
    }
}

/// Where an instance finds its files. A renderer needs it to write command lines.
public struct InstancePaths: Hashable, Sendable {
    /// `InstanceFile.path` is relative to this directory. Absolute.
    public var directory: String
    /// Data of the instance's volume. Absolute; empty without one.
    public var volume: String
    /// Logs of the components. Absolute.
    public var logs: String
    /// Where logs go that the cluster's owner wants: a directory for each type, and in it one for each instance. They stay when the
    /// instance goes. Absolute.
    public var deliveredLogs: String

    public init(directory: String, volume: String, logs: String, deliveredLogs: String? = nil) {
        self.deliveredLogs = deliveredLogs ?? "\(logs)/delivered"
        self.directory = directory
        self.volume = volume
        self.logs = logs
    }
}

/// One process to run on an instance.
public struct ComponentSpec: Codable, Hashable, Sendable {
    public var kind: ComponentKind
    /// The program, checked against its SHA-256 before each start.
    public var artifact: Artifact
    /// Without the program's own name.
    public var arguments: [String]
    public var environment: [String: String]
    /// A directory that gets a copy of what it says. Absolute; nil: none does.
    public var deliveredLog: String?
    /// Where it takes connections; nil for what can have no standby.
    public var listening: Listening?

    /// Of a server that can run twice in one instance, at two addresses.
    public struct Listening: Codable, Hashable, Sendable {
        /// The flag that says at which address, `--bind-address`; its argument is written `FLAG=ADDRESS`.
        public var addressFlag: String
        public var port: UInt16

        public init(addressFlag: String, port: UInt16) {
            self.addressFlag = addressFlag
            self.port = port
        }
    }

    public init(
        kind: ComponentKind, artifact: Artifact, arguments: [String], environment: [String: String] = [:], deliveredLog: String? = nil,
        listening: Listening? = nil
    ) {
        self.listening = listening
        self.deliveredLog = deliveredLog
        self.kind = kind
        self.artifact = artifact
        self.arguments = arguments
        self.environment = environment
    }
}

/// A way out of a cluster's network, to one port of somebody.
public struct Egress: Codable, Hashable, Sendable {
    /// A name, or an IPv4 address.
    public var host: String
    public var port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }
}

/// A unit of compute, whole: made, started and kept running by the substrate.
public struct InstanceSpec: Codable, Hashable, Sendable {
    public var id: InstanceID
    public var role: InstanceRole
    public var zone: ZoneName
    public var size: InstanceSize
    public var network: ClusterNetwork
    public var address: IPv4Address
    public var volume: VolumeID?
    public var release: ReleaseID
    public var configurationRevision: Int
    public var components: [ComponentSpec]
    public var files: [InstanceFile]
    /// An etcd member that comes to members that are there. It runs with other arguments than one that has joined, so an
    /// instance that is one and should be the other is made anew.
    public var isJoining: Bool
    /// Whom it reaches outside of its cluster's network; nobody else.
    public var egress: [Egress] = []
    /// When the first of its certificates ends; nil where it has none.
    public var certificatesExpireAt: Date?

    public init(
        id: InstanceID, role: InstanceRole, zone: ZoneName, size: InstanceSize, network: ClusterNetwork, address: IPv4Address,
        volume: VolumeID?, release: ReleaseID, configurationRevision: Int, components: [ComponentSpec], files: [InstanceFile],
        isJoining: Bool = false, certificatesExpireAt: Date? = nil
    ) {
        self.id = id
        self.role = role
        self.zone = zone
        self.size = size
        self.network = network
        self.address = address
        self.volume = volume
        self.release = release
        self.configurationRevision = configurationRevision
        self.components = components
        self.files = files
        self.isJoining = isJoining
        self.certificatesExpireAt = certificatesExpireAt
    }
}

/// The one endpoint of a cluster: TCP from `address`:`port` to the API servers.
public struct LoadBalancerSpec: Codable, Hashable, Sendable {
    public var cluster: ClusterName
    public var network: ClusterNetwork
    public var address: IPv4Address
    /// 443.
    public var port: UInt16
    /// 6443.
    public var backendPort: UInt16
    public var backends: [Backend]
    /// CAs of the API servers' certificates, PEM; health checks verify with them. While they go over from some to others, and have one
    /// in common with those of before, nobody's session ends; backends that are there are verified as before.
    public var certificateAuthority: String
    /// Raised with each change of the CAs.
    public var trustRevision: Int
    /// Who reaches it; nil: everybody.
    public var access: EndpointAccess?
    /// Where Slipway itself comes in, from the network's gateway only.
    public var doorPort: UInt16 = 8443

    /// One API server behind the endpoint.
    public struct Backend: Codable, Hashable, Sendable {
        /// The instance's name.
        public var name: String
        public var address: IPv4Address
        public var admission: Admission

        public init(name: String, address: IPv4Address, admission: Admission) {
            self.name = name
            self.address = address
            self.admission = admission
        }
    }

    /// Which connections a backend gets.
    public enum Admission: String, Codable, Sendable {
        /// New ones, when its health check passes.
        case ready
        /// None new; open ones go on.
        case drain
        /// None; open ones are closed.
        case closed
    }

    public init(
        cluster: ClusterName, network: ClusterNetwork, address: IPv4Address, port: UInt16 = 443, backendPort: UInt16 = 6443,
        backends: [Backend], certificateAuthority: String, trustRevision: Int = 0, access: EndpointAccess? = nil
    ) {
        self.trustRevision = trustRevision
        self.access = access
        self.cluster = cluster
        self.network = network
        self.address = address
        self.port = port
        self.backendPort = backendPort
        self.backends = backends
        self.certificateAuthority = certificateAuthority
    }
}
