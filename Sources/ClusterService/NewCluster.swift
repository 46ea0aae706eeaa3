/// What a caller says when it wants a cluster: the EKS API's `CreateClusterRequest`, under the same names.
public struct NewCluster: Codable, Hashable, Sendable {
    public var name: String?
    /// A Kubernetes minor such as `1.33`; the newest when nil.
    public var version: String?
    public var roleArn: String?
    public var resourcesVpcConfig: VPCConfig?
    public var kubernetesNetworkConfig: NetworkConfig?
    public var logging: Logging?
    public var clientRequestToken: String?
    public var tags: [String: String]?
    public var accessConfig: AccessConfig?
    public var bootstrapSelfManagedAddons: Bool?
    public var upgradePolicy: UpgradePolicy?
    public var zonalShiftConfig: Switch?
    public var deletionProtection: Bool?
    public var controlPlaneScalingConfig: ScalingConfig?
    public var computeConfig: Switch?
    public var storageConfig: StorageConfig?
    public var encryptionConfig: [EncryptionConfig]?
    public var outpostConfig: Unoffered?
    public var remoteNetworkConfig: Unoffered?
    public var kubeApiServerConfig: Unoffered?
    public var kubeSchedulerConfig: Unoffered?
    public var kubeControllerManagerConfig: Unoffered?

    public init(name: String, roleArn: String, resourcesVpcConfig: VPCConfig = VPCConfig()) {
        self.name = name
        self.roleArn = roleArn
        self.resourcesVpcConfig = resourcesVpcConfig
    }

    public struct VPCConfig: Codable, Hashable, Sendable {
        public var subnetIds: [String]?
        public var securityGroupIds: [String]?
        public var endpointPublicAccess: Bool?
        public var endpointPrivateAccess: Bool?
        public var publicAccessCidrs: [String]?
        public var controlPlaneEgressMode: Unoffered?

        public init(subnetIds: [String]? = nil) { self.subnetIds = subnetIds }
    }

    public struct NetworkConfig: Codable, Hashable, Sendable {
        public var serviceIpv4Cidr: String?
        public var ipFamily: String?
        public var elasticLoadBalancing: Switch?

        public init(serviceIpv4Cidr: String? = nil) { self.serviceIpv4Cidr = serviceIpv4Cidr }
    }

    public struct Logging: Codable, Hashable, Sendable {
        public var clusterLogging: [Setup]?

        public struct Setup: Codable, Hashable, Sendable {
            public var types: [String]?
            public var enabled: Bool?

            public init(types: [String]?, enabled: Bool?) {
                self.types = types
                self.enabled = enabled
            }
        }

        public init(clusterLogging: [Setup]?) { self.clusterLogging = clusterLogging }
    }

    public struct AccessConfig: Codable, Hashable, Sendable {
        public var bootstrapClusterCreatorAdminPermissions: Bool?
        public var authenticationMode: String?
    }

    public struct UpgradePolicy: Codable, Hashable, Sendable {
        public var supportType: String?
    }

    public struct ScalingConfig: Codable, Hashable, Sendable {
        public var tier: String?
    }

    public struct StorageConfig: Codable, Hashable, Sendable {
        public var blockStorage: Switch?
    }

    /// What is encrypted, and with which key.
    public struct EncryptionConfig: Codable, Hashable, Sendable {
        public var resources: [String]?
        public var provider: Provider?

        public struct Provider: Codable, Hashable, Sendable {
            public var keyArn: String?
        }
    }

    /// Something that is on or off.
    public struct Switch: Codable, Hashable, Sendable {
        public var enabled: Bool?

        public init(enabled: Bool?) { self.enabled = enabled }
    }

    /// A member of the service model that Slipway knows of and does not offer: only its presence counts.
    public struct Unoffered: Codable, Hashable, Sendable {
        public init() {}
        public init(from decoder: any Decoder) throws {}
    }
}
