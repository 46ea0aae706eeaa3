import ClusterService
import FleetModel
import Hummingbird

extension EKSAPI {
    func associateIdentityProviderConfig(_ call: EKSCall) async throws -> Response {
        let request = try call.decoded(IdentityProviderAssociation.self)
        let update = try await clusters.associateIdentityProvider(call.cluster, request, as: call.caller)
        return try JSONAnswers.json(IdentityProviderAssociationAnswer(update: UpdateShape(update), tags: request.tags ?? [:]))
    }

    func disassociateIdentityProviderConfig(_ call: EKSCall) async throws -> Response {
        let request = try call.decoded(IdentityProviderSelection.self)
        let update = try await clusters.disassociateIdentityProvider(call.cluster, request, as: call.caller)
        return try JSONAnswers.json(UpdateAnswer(update: UpdateShape(update)))
    }

    func describeIdentityProviderConfig(_ call: EKSCall) async throws -> Response {
        let found = try await clusters.identityProvider(
            call.decoded(IdentityProviderSelection.self), of: call.cluster, as: call.caller)
        let shape = IdentityProviderShape(found, of: try ClusterName(call.cluster), region: region)
        return try JSONAnswers.json(IdentityProviderAnswer(identityProviderConfig: .init(oidc: shape)))
    }

    func listIdentityProviderConfigs(_ call: EKSCall) async throws -> Response {
        let providers = try await clusters.identityProviders(of: call.cluster, as: call.caller)
        let names = providers.map { IdentityProviderList.Reference(type: IdentityProvider.type, name: $0.provider.name) }
        let page = try Page(of: names, "identity-provider-configs/\(call.cluster)", call.query, key: { $0.name })
        return try JSONAnswers.json(IdentityProviderList(identityProviderConfigs: page.items, nextToken: page.nextToken))
    }
}
