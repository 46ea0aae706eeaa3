import FleetModel
import FleetStore
import Foundation
import Identity

extension Clusters {
    /// Has a cluster's API servers take the tokens of an OpenID Connect provider, too. At most one provider a cluster, as in EKS.
    ///
    /// The same request with the same `clientRequestToken` gives the same update.
    /// - Returns: the update, which ends when all API servers take them.
    public func associateIdentityProvider(
        _ name: String, _ request: IdentityProviderAssociation, as caller: Principal
    ) async throws -> ClusterUpdate {
        var plain = request
        plain.clientRequestToken = nil
        let token = try UpdateToken(request.clientRequestToken, of: plain)
        let id = UUID().uuidString.lowercased()
        return try await begin(name, "eks:AssociateIdentityProviderConfig", token, as: caller) { cluster in
            let provider = try IdentityProviderRules.provider(request, id: id)
            // Tokens of service accounts are taken by themselves, and no issuer may stand for both.
            guard provider.issuerURL != cluster.status.endpoint else {
                throw ClusterServiceError(.invalidParameter, "oidc.issuerUrl is the cluster's own issuer.", cluster: name)
            }
            if let present = cluster.spec.settings.identityProvider {
                guard present.name != provider.name else {
                    throw ClusterServiceError(
                        .inUse, "Identity provider config is already associated with name: \(present.name).", cluster: name)
                }
                throw ClusterServiceError(
                    .invalidRequest,
                    "\(name) has the identity provider \(present.name) already, and a cluster can have one; disassociate it first.",
                    cluster: name)
            }
            try requireActive(cluster)
            return identityProviderDraft("AssociateIdentityProviderConfig", of: cluster, provider.name, to: provider)
        }
    }

    /// Has API servers take the tokens of a provider no more.
    /// - Returns: the update, which ends when no API server takes them.
    public func disassociateIdentityProvider(
        _ name: String, _ request: IdentityProviderSelection, as caller: Principal
    ) async throws -> ClusterUpdate {
        var plain = request
        plain.clientRequestToken = nil
        let token = try UpdateToken(request.clientRequestToken, of: plain)
        return try await begin(name, "eks:DisassociateIdentityProviderConfig", token, as: caller) { cluster in
            let wanted = try IdentityProviderRules.reference(request.identityProviderConfig)
            guard cluster.spec.settings.identityProvider?.name == wanted else { throw noIdentityProvider(wanted, name) }
            return identityProviderDraft("DisassociateIdentityProviderConfig", of: cluster, wanted, to: nil)
        }
    }

    /// One provider of a cluster, by its type and name.
    public func identityProvider(
        _ request: IdentityProviderSelection, of name: String, as caller: Principal
    ) async throws -> AssociatedIdentityProvider {
        let cluster = try await authorized(name, .read, "eks:DescribeIdentityProviderConfig", caller).value
        let wanted = try IdentityProviderRules.reference(request.identityProviderConfig)
        guard let found = cluster.spec.identityProvider, found.provider.name == wanted else { throw noIdentityProvider(wanted, name) }
        return found
    }

    /// All of a cluster: one or none.
    public func identityProviders(of name: String, as caller: Principal) async throws -> [AssociatedIdentityProvider] {
        let cluster = try await authorized(name, .read, "eks:ListIdentityProviderConfigs", caller).value
        return [cluster.spec.identityProvider].compactMap { $0 }
    }

    /// API servers are told by flags, so new ones are made beside the old.
    /// - Parameter name: checked; holds nothing to be escaped.
    private func identityProviderDraft(
        _ type: String, of cluster: Cluster, _ name: String, to provider: IdentityProvider?
    ) -> UpdateDraft {
        var spec = cluster.spec
        spec.settings.identityProvider = provider
        spec.controlPlane.renewAPIServers()
        return UpdateDraft(
            type: type, parameters: ["IdentityProviderConfig": "[{\"type\":\"\(IdentityProvider.type)\",\"name\":\"\(name)\"}]"],
            spec: spec, isImmediate: false)
    }

    private func noIdentityProvider(_ wanted: String, _ name: String) -> ClusterServiceError {
        ClusterServiceError(
            .notFound, "No identity provider config found for type: \(IdentityProvider.type) and name: \(wanted.prefix(100)).",
            cluster: name)
    }
}
