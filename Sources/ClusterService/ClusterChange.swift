/// What a caller wants to be different of a cluster: the EKS API's `UpdateClusterConfigRequest`, under the same names.
public struct ClusterChange: Codable, Hashable, Sendable {
    public var deletionProtection: Bool?
    public var clientRequestToken: String?
    public var resourcesVpcConfig: NewCluster.Unoffered?
    public var logging: NewCluster.Unoffered?
    public var accessConfig: NewCluster.Unoffered?
    public var upgradePolicy: NewCluster.Unoffered?
    public var zonalShiftConfig: NewCluster.Switch?
    public var computeConfig: NewCluster.Unoffered?
    public var kubernetesNetworkConfig: NewCluster.Unoffered?
    public var storageConfig: NewCluster.Unoffered?
    public var remoteNetworkConfig: NewCluster.Unoffered?
    public var controlPlaneScalingConfig: NewCluster.Unoffered?

    public init(deletionProtection: Bool) { self.deletionProtection = deletionProtection }

    /// The names of what is wanted and cannot be changed.
    var unoffered: [String] {
        let members: [(String, NewCluster.Unoffered?)] = [
            ("resourcesVpcConfig", resourcesVpcConfig), ("logging", logging), ("accessConfig", accessConfig),
            ("upgradePolicy", upgradePolicy), ("computeConfig", computeConfig),
            ("kubernetesNetworkConfig", kubernetesNetworkConfig), ("storageConfig", storageConfig),
            ("remoteNetworkConfig", remoteNetworkConfig), ("controlPlaneScalingConfig", controlPlaneScalingConfig),
        ]
        return members.filter { $0.1 != nil }.map(\.0)
    }
}
