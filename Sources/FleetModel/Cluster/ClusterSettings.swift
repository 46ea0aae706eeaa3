/// Settings in the words of the EKS API (`CreateCluster`); names and defaults as in its service model.
public struct ClusterSettings: Codable, Hashable, Sendable {
    public var roleARN: String
    public var subnetIDs: [String]
    public var securityGroupIDs: [String] = []
    public var endpointPublicAccess = true
    public var endpointPrivateAccess = false
    public var publicAccessCIDRs = ["0.0.0.0/0"]
    /// Of `api`, `audit`, `authenticator`, `controllerManager`, `scheduler`.
    public var enabledLogTypes: [String] = []
    public var serviceIPv4CIDR = "10.100.0.0/16"
    /// `API`, `API_AND_CONFIG_MAP` or `CONFIG_MAP`.
    public var authenticationMode = "API_AND_CONFIG_MAP"
    public var bootstrapClusterCreatorAdminPermissions = true
    public var deletionProtection = false
    /// `STANDARD` or `EXTENDED`.
    public var supportType = "EXTENDED"
    /// Nil until somebody has said it, and then off; EKS says nothing of it until then.
    public var zonalShift: Bool?
    public var scalingTier = "standard"
    /// EKS Auto Mode was said to be off; it is never on. Nil: nothing was said of it.
    public var autoMode: Bool?
    /// Whose tokens API servers take besides; at most one, as in EKS.
    public var identityProvider: IdentityProvider?
    public var tags: [String: String] = [:]
    public var clientRequestToken: String?
    /// Of the request's body without its token: tells a repeated request from another with the same token.
    public var requestDigest: String?
    /// ARN of the principal that created the cluster.
    public var creatorARN: String
    /// Its own id, which nobody else ever gets: who owns the cluster is decided by it.
    public var creatorID: String?

    public var zonalShiftEnabled: Bool { zonalShift ?? false }

    /// The name that settings of before were stored under.
    private enum CodingKeys: String, CodingKey {
        case roleARN, subnetIDs, securityGroupIDs, endpointPublicAccess, endpointPrivateAccess, publicAccessCIDRs, enabledLogTypes
        case serviceIPv4CIDR, authenticationMode, bootstrapClusterCreatorAdminPermissions, deletionProtection, supportType
        case zonalShift = "zonalShiftEnabled"
        case scalingTier, autoMode, identityProvider, tags, clientRequestToken, requestDigest, creatorARN, creatorID
    }

    public init(roleARN: String, subnetIDs: [String], creatorARN: String, creatorID: String? = nil) {
        self.roleARN = roleARN
        self.subnetIDs = subnetIDs
        self.creatorARN = creatorARN
        self.creatorID = creatorID
    }
}
