import FleetModel
import Identity

/// Decides whether a wanted cluster is allowed, and what its settings are. Pure.
///
/// Rules are those of the EKS service model (`CreateClusterRequest`) and of EKS' user guide; what EKS has and Slipway has not
/// is refused by name instead of being dropped silently.
public struct ClusterAdmission: Sendable {
    public var region: Region
    /// Where the clusters' own addresses come from.
    public var addressPool: IPv4Block

    public init(region: Region, addressPool: IPv4Block) {
        self.region = region
        self.addressPool = addressPool
    }

    /// - Throws: `ClusterServiceError` (`invalidParameter`).
    public func name(_ request: NewCluster) throws -> ClusterName {
        guard let text = request.name, !text.isEmpty else {
            throw ClusterServiceError(.invalidParameter, "The parameter 'name' is required: a cluster name.")
        }
        do {
            return try ClusterName(text)
        } catch {
            throw ClusterServiceError(.invalidParameter, "\(error)", cluster: text)
        }
    }

    /// - Throws: `ClusterServiceError` (`invalidParameter`).
    public func settings(_ request: NewCluster, creator: Principal) throws -> ClusterSettings {
        try refuseUnoffered(request)
        guard let role = request.roleArn, !role.isEmpty else { throw invalid("The parameter 'roleArn' is required.") }
        guard ARNRules.isRole(role) else {
            throw invalid("The role ARN '\(role.prefix(200))' is not of the form arn:aws:iam::123456789012:role/NAME.")
        }
        guard let vpc = request.resourcesVpcConfig else { throw invalid("The parameter 'resourcesVpcConfig' is required.") }
        var settings = ClusterSettings(
            roleARN: role, subnetIDs: try subnets(vpc.subnetIds ?? []), creatorARN: creator.arn, creatorID: creator.userID)
        try setNetwork(&settings, vpc)
        try setKubernetesNetwork(&settings, request.kubernetesNetworkConfig)
        settings.enabledLogTypes = try logTypes(request.logging)
        settings.tags = try TagRules.check(request.tags ?? [:])
        try setAccess(&settings, request.accessConfig)
        settings.supportType = try choice(
            request.upgradePolicy?.supportType, of: ["STANDARD", "EXTENDED"], "upgradePolicy.supportType", settings.supportType)
        settings.zonalShift = request.zonalShiftConfig?.enabled
        settings.autoMode = request.computeConfig?.enabled ?? request.storageConfig?.blockStorage?.enabled
        settings.deletionProtection = request.deletionProtection ?? settings.deletionProtection
        if let tier = request.controlPlaneScalingConfig?.tier, tier != settings.scalingTier {
            throw invalid("The control plane tier '\(tier.prefix(40))' is not offered by Slipway (yet); 'standard' is.")
        }
        if let token = request.clientRequestToken, !(1...128).contains(token.utf8.count) {
            throw invalid("The client request token must have 1 to 128 characters.")
        }
        settings.clientRequestToken = request.clientRequestToken
        return settings
    }

    private func refuseUnoffered(_ request: NewCluster) throws {
        func refuse(_ what: String) -> ClusterServiceError { invalid("\(what) is not offered by Slipway (yet); leave it out.") }
        if request.outpostConfig != nil { throw refuse("outpostConfig") }
        if request.remoteNetworkConfig != nil { throw refuse("remoteNetworkConfig") }
        if request.kubeApiServerConfig != nil { throw refuse("kubeApiServerConfig") }
        if request.kubeSchedulerConfig != nil { throw refuse("kubeSchedulerConfig") }
        if request.kubeControllerManagerConfig != nil { throw refuse("kubeControllerManagerConfig") }
        if request.resourcesVpcConfig?.controlPlaneEgressMode != nil { throw refuse("resourcesVpcConfig.controlPlaneEgressMode") }
        if request.computeConfig?.enabled == true { throw refuse("computeConfig.enabled (EKS Auto Mode)") }
        if request.storageConfig?.blockStorage?.enabled == true { throw refuse("storageConfig.blockStorage.enabled (EKS Auto Mode)") }
        if request.kubernetesNetworkConfig?.elasticLoadBalancing?.enabled == true {
            throw refuse("kubernetesNetworkConfig.elasticLoadBalancing.enabled (EKS Auto Mode)")
        }
    }

    /// Empty means every zone. EKS asks for subnets in two zones at least.
    func subnets(_ given: [String]) throws -> [String] {
        let known = region.zones.map { region.subnetID(of: $0) }
        // `aws eks create-cluster --resources-vpc-config subnetIds=` sends one empty name.
        let given = given.filter { !$0.isEmpty }
        if given.isEmpty { return known }
        let unknown = given.filter { !known.contains($0) }
        guard unknown.isEmpty else {
            throw invalid(
                "The subnet ID '\(unknown[0].prefix(80))' does not exist in \(region.name); its subnets are \(known.joined(separator: ", "))."
            )
        }
        guard Set(given).count == given.count else { throw invalid("A subnet ID is given twice in subnetIds.") }
        guard given.count >= 2 else { throw invalid("Subnets specified must be in at least two different AZs.") }
        return given
    }

    private func setNetwork(_ settings: inout ClusterSettings, _ vpc: NewCluster.VPCConfig) throws {
        settings.securityGroupIDs = try securityGroups(vpc.securityGroupIds ?? [])
        settings.endpointPublicAccess = vpc.endpointPublicAccess ?? settings.endpointPublicAccess
        settings.endpointPrivateAccess = vpc.endpointPrivateAccess ?? settings.endpointPrivateAccess
        guard settings.endpointPublicAccess || settings.endpointPrivateAccess else {
            throw invalid("Private and public endpoint access cannot both be false.")
        }
        if let blocks = vpc.publicAccessCidrs, !blocks.isEmpty {
            settings.publicAccessCIDRs = try publicBlocks(blocks)
        } else if !settings.endpointPublicAccess {
            settings.publicAccessCIDRs = []
        }
    }

    func publicBlocks(_ blocks: [String]) throws -> [String] {
        for block in blocks where (try? IPv4Block(block)) == nil {
            throw invalid("'\(block.prefix(80))' in publicAccessCidrs is not an address block such as 192.0.2.0/24.")
        }
        guard blocks.count <= 40 else { throw invalid("publicAccessCidrs can have 40 blocks at most; these are \(blocks.count).") }
        return blocks
    }

    func securityGroups(_ groups: [String]) throws -> [String] {
        for group in groups where !ARNRules.isSecurityGroup(group) {
            throw invalid("The security group ID '\(group.prefix(80))' is not of the form sg-0123456789abcdef0.")
        }
        return groups
    }

    /// EKS: inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16, between /24 and /12, and no overlap with the VPC.
    private func setKubernetesNetwork(_ settings: inout ClusterSettings, _ config: NewCluster.NetworkConfig?) throws {
        if let family = config?.ipFamily, family != "ipv4" {
            throw invalid("The IP family '\(family.prefix(20))' is not offered by Slipway (yet); 'ipv4' is.")
        }
        settings.serviceIPv4CIDR = config?.serviceIpv4Cidr ?? settings.serviceIPv4CIDR
        let text = settings.serviceIPv4CIDR
        guard let block = try? IPv4Block(text), (12...24).contains(block.prefixLength), Self.isPrivate(block) else {
            throw invalid(
                "serviceIpv4Cidr '\(text.prefix(40))' must be a block between /24 and /12 inside 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16."
            )
        }
        guard !block.overlaps(addressPool) else {
            throw invalid("serviceIpv4Cidr \(block) overlaps the region's address pool \(addressPool); choose another.")
        }
    }

    private static func isPrivate(_ block: IPv4Block) -> Bool {
        let ranges = [
            IPv4Block(base: IPv4Address(bits: 10 << 24), prefixLength: 8),
            IPv4Block(base: IPv4Address(bits: 172 << 24 | 16 << 16), prefixLength: 12),
            IPv4Block(base: IPv4Address(bits: 192 << 24 | 168 << 16), prefixLength: 16),
        ]
        return ranges.contains { $0.contains(block.base) && block.prefixLength >= $0.prefixLength }
    }

    static let logTypeNames = ["api", "audit", "authenticator", "controllerManager", "scheduler"]

    func logTypes(_ logging: NewCluster.Logging?) throws -> [String] {
        let known = Self.logTypeNames
        var enabled: Set<String> = []
        for setup in logging?.clusterLogging ?? [] {
            for type in setup.types ?? [] {
                guard known.contains(type) else {
                    throw invalid("The log type '\(type.prefix(40))' does not exist; there are \(known.joined(separator: ", ")).")
                }
                if setup.enabled == true { enabled.insert(type) }
            }
        }
        return known.filter { enabled.contains($0) }
    }

    private func setAccess(_ settings: inout ClusterSettings, _ config: NewCluster.AccessConfig?) throws {
        settings.authenticationMode = try choice(
            config?.authenticationMode, of: ["API", "API_AND_CONFIG_MAP", "CONFIG_MAP"], "accessConfig.authenticationMode",
            settings.authenticationMode)
        guard settings.authenticationMode != "CONFIG_MAP" else {
            throw invalid("The authentication mode CONFIG_MAP is not offered by Slipway; use API or API_AND_CONFIG_MAP.")
        }
        settings.bootstrapClusterCreatorAdminPermissions =
            config?.bootstrapClusterCreatorAdminPermissions ?? settings.bootstrapClusterCreatorAdminPermissions
    }

    func choice(_ given: String?, of values: [String], _ parameter: String, _ fallback: String) throws -> String {
        guard let given else { return fallback }
        guard values.contains(given) else {
            throw invalid("'\(given.prefix(40))' is not allowed for \(parameter): use \(values.joined(separator: ", ")).")
        }
        return given
    }

    func invalid(_ message: String) -> ClusterServiceError { ClusterServiceError(.invalidParameter, message) }
}
