/// What a caller wants to be different of a cluster: the EKS API's `UpdateClusterConfigRequest`, under the same names.
public struct ClusterChange: Codable, Hashable, Sendable {
    public var deletionProtection: Bool?
    public var clientRequestToken: String?
    public var resourcesVpcConfig: NewCluster.VPCConfig?
    public var logging: NewCluster.Logging?
    public var accessConfig: NewCluster.AccessConfig?
    public var upgradePolicy: NewCluster.UpgradePolicy?
    public var zonalShiftConfig: NewCluster.Switch?
    public var controlPlaneScalingConfig: NewCluster.ScalingConfig?
    public var computeConfig: NewCluster.Unoffered?
    public var kubernetesNetworkConfig: NewCluster.Unoffered?
    public var storageConfig: NewCluster.Unoffered?
    public var remoteNetworkConfig: NewCluster.Unoffered?
    public var kubeApiServerConfig: NewCluster.Unoffered?
    public var kubeSchedulerConfig: NewCluster.Unoffered?
    public var kubeControllerManagerConfig: NewCluster.Unoffered?

    public init(deletionProtection: Bool? = nil) { self.deletionProtection = deletionProtection }

    /// The names of what is wanted and cannot be changed.
    var unoffered: [String] {
        let members: [(String, NewCluster.Unoffered?)] = [
            ("computeConfig", computeConfig), ("kubernetesNetworkConfig", kubernetesNetworkConfig), ("storageConfig", storageConfig),
            ("remoteNetworkConfig", remoteNetworkConfig), ("kubeApiServerConfig", kubeApiServerConfig),
            ("kubeSchedulerConfig", kubeSchedulerConfig), ("kubeControllerManagerConfig", kubeControllerManagerConfig),
            ("resourcesVpcConfig.controlPlaneEgressMode", resourcesVpcConfig?.controlPlaneEgressMode),
        ]
        return members.filter { $0.1 != nil }.map(\.0)
    }

    /// The names of what is to be changed: EKS takes one kind of change at a time, since an update has one type.
    var kinds: [String] {
        let members: [(String, Bool)] = [
            ("deletionProtection", deletionProtection != nil), ("resourcesVpcConfig", resourcesVpcConfig != nil),
            ("logging", logging != nil),
            ("accessConfig", accessConfig != nil), ("upgradePolicy", upgradePolicy != nil), ("zonalShiftConfig", zonalShiftConfig != nil),
            ("controlPlaneScalingConfig", controlPlaneScalingConfig != nil),
        ]
        return members.filter(\.1).map(\.0)
    }
}
