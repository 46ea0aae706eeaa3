import FleetModel

/// Whose tokens a cluster's API servers take besides.
public struct IdentityProviderDetail: Codable, Hashable, Sendable {
    public var name: String
    public var issuerURL: String
    public var clientID: String
    public var status: AssociatedIdentityProvider.Status

    public init(_ associated: AssociatedIdentityProvider) {
        name = associated.provider.name
        issuerURL = associated.provider.issuerURL
        clientID = associated.provider.clientID
        status = associated.status
    }
}
