/// Who reaches a cluster's endpoint, when that is not everybody.
///
/// A cluster's own network is what a VPC is to EKS: who is in it comes by private access. The gateway's address is the host's and
/// that of nobody in the network: who comes from it comes from outside.
public struct EndpointAccess: Codable, Hashable, Sendable {
    /// The block of all addresses.
    public static let everybody = "0.0.0.0/0"

    /// From outside, these may; none: nobody.
    public var publicBlocks: [IPv4Block]
    /// Who is in the cluster's own network may, whatever `publicBlocks` says.
    public var isPrivate: Bool

    public init(publicBlocks: [IPv4Block], isPrivate: Bool) {
        self.publicBlocks = publicBlocks
        self.isPrivate = isPrivate
    }

    /// As EKS has it (`VpcConfigRequest`): nil when everybody reaches it.
    public init?(_ settings: ClusterSettings) {
        let blocks = settings.endpointPublicAccess ? settings.publicAccessCIDRs.compactMap { try? IPv4Block($0) } : []
        if blocks.contains(where: { $0.prefixLength == 0 }) { return nil }
        self.init(publicBlocks: blocks, isPrivate: settings.endpointPrivateAccess)
    }
}
