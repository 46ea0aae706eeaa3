import ClusterService
import FleetModel
import Foundation

/// The service model's `Cluster`: what `aws eks update-kubeconfig`, waiters and Terraform read.
struct ClusterShape: Encodable {
    struct VPCConfig: Encodable {
        var subnetIds: [String]
        var securityGroupIds: [String]
        var clusterSecurityGroupId: String
        var vpcId: String
        var endpointPublicAccess: Bool
        var endpointPrivateAccess: Bool
        var publicAccessCidrs: [String]
    }

    struct NetworkConfig: Encodable {
        var serviceIpv4Cidr: String
        var ipFamily = "ipv4"
        var elasticLoadBalancing = Switch(enabled: false)
    }

    struct Logging: Encodable {
        struct Setup: Encodable {
            var types: [String]
            var enabled: Bool
        }
        var clusterLogging: [Setup]
    }

    struct Identity: Encodable {
        struct OIDC: Encodable { var issuer: String }
        var oidc: OIDC
    }

    struct Health: Encodable {
        struct Issue: Encodable {
            var code: String
            var message: String
            var resourceIds: [String]
        }
        var issues: [Issue]
    }

    struct AccessConfig: Encodable {
        var bootstrapClusterCreatorAdminPermissions: Bool
        var authenticationMode: String
    }

    struct EncryptionConfig: Encodable {
        struct Provider: Encodable { var keyArn: String }
        var resources: [String]
        var provider: Provider
    }

    struct Certificate: Encodable { var data: String? }
    struct Switch: Encodable { var enabled: Bool }
    struct UpgradePolicy: Encodable { var supportType: String }
    struct ScalingConfig: Encodable { var tier: String }

    struct ComputeConfig: Encodable {
        var enabled: Bool
        var nodePools: [String] = []
    }

    struct StorageConfig: Encodable { var blockStorage: Switch }

    var name: String
    var arn: String
    var createdAt: Date
    var version: String
    var endpoint: String?
    var roleArn: String
    var resourcesVpcConfig: VPCConfig
    var kubernetesNetworkConfig: NetworkConfig
    var logging: Logging
    var identity: Identity?
    var status: String
    var certificateAuthority: Certificate
    var clientRequestToken: String?
    var platformVersion: String?
    var tags: [String: String]
    var encryptionConfig: [EncryptionConfig]?
    var health: Health
    var accessConfig: AccessConfig
    var upgradePolicy: UpgradePolicy
    /// Missing until somebody has said it.
    var zonalShiftConfig: Switch?
    var deletionProtection: Bool
    var controlPlaneScalingConfig: ScalingConfig
    /// Said back when it was said that EKS Auto Mode is off.
    var computeConfig: ComputeConfig?
    var storageConfig: StorageConfig?
}

/// `{"cluster": …}`
struct ClusterAnswer: Encodable { var cluster: ClusterShape }

extension ClusterShape {
    init(_ cluster: Cluster, region: Region) {
        let settings = cluster.spec.settings
        // Until an update has ended, the cluster is of the version that it was before.
        let running = cluster.spec.update.flatMap { $0.reversal == nil ? $0.previous : nil } ?? cluster.spec.controlPlane
        let isDeleting = cluster.metadata.deletionRequestedAt != nil
        self.init(
            name: cluster.name.rawValue, arn: region.clusterARN(cluster.name.rawValue), createdAt: cluster.metadata.createdAt,
            version: running.version.minorVersion.description, endpoint: cluster.status.endpoint,
            roleArn: settings.roleARN,
            resourcesVpcConfig: VPCConfig(
                subnetIds: settings.subnetIDs, securityGroupIds: settings.securityGroupIDs,
                // Every cluster has a network of its own that nothing else reaches; these name it.
                clusterSecurityGroupId: "sg-\(cluster.metadata.uid.replacing("-", with: "").prefix(17))", vpcId: "vpc-\(region.name)",
                endpointPublicAccess: settings.endpointPublicAccess, endpointPrivateAccess: settings.endpointPrivateAccess,
                publicAccessCidrs: settings.publicAccessCIDRs),
            kubernetesNetworkConfig: NetworkConfig(serviceIpv4Cidr: settings.serviceIPv4CIDR), logging: Self.logging(settings),
            // The API server's `--service-account-issuer` is its endpoint.
            identity: cluster.status.endpoint.map { Identity(oidc: .init(issuer: $0)) },
            status: (isDeleting ? ClusterPhase.deleting : cluster.status.phase).rawValue,
            certificateAuthority: Certificate(
                data: cluster.status.certificateAuthority.map { Data($0.utf8).base64EncodedString() }),
            clientRequestToken: settings.clientRequestToken, platformVersion: Self.platformVersion(running.release),
            tags: settings.tags,
            encryptionConfig: cluster.spec.encryption.map {
                [EncryptionConfig(resources: $0.resources, provider: .init(keyArn: $0.keyARN))]
            },
            health: Self.health(cluster),
            accessConfig: AccessConfig(
                bootstrapClusterCreatorAdminPermissions: settings.bootstrapClusterCreatorAdminPermissions,
                authenticationMode: settings.authenticationMode),
            upgradePolicy: UpgradePolicy(supportType: settings.supportType),
            zonalShiftConfig: settings.zonalShift.map { Switch(enabled: $0) }, deletionProtection: settings.deletionProtection,
            controlPlaneScalingConfig: ScalingConfig(tier: settings.scalingTier),
            computeConfig: settings.autoMode.map { ComputeConfig(enabled: $0) },
            storageConfig: settings.autoMode.map { StorageConfig(blockStorage: Switch(enabled: $0)) })
    }

    /// EKS lists the types that are on and those that are off.
    private static func logging(_ settings: ClusterSettings) -> Logging {
        let all = ["api", "audit", "authenticator", "controllerManager", "scheduler"]
        let disabled = all.filter { !settings.enabledLogTypes.contains($0) }
        var setups: [Logging.Setup] = []
        if !settings.enabledLogTypes.isEmpty { setups.append(.init(types: settings.enabledLogTypes, enabled: true)) }
        if !disabled.isEmpty { setups.append(.init(types: disabled, enabled: false)) }
        return Logging(clusterLogging: setups)
    }

    /// `1.33.4-eks.2` is of the platform version `eks.2`.
    private static func platformVersion(_ release: ReleaseID) -> String? {
        release.rawValue.firstRange(of: "eks.").map { String(release.rawValue[$0.lowerBound...]) }
    }

    private static func health(_ cluster: Cluster) -> Health {
        let degraded = cluster.status.conditions.filter { $0.kind == .degraded && $0.status == .yes }
        return Health(issues: degraded.map { .init(code: "Other", message: "\($0.reason): \($0.message)", resourceIds: []) })
    }
}
