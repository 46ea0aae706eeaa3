import FleetModel
import Substrate

extension ControlPlaneRenderer {
    /// CAs of private issuers, relative to the instance's directory.
    private static let authorities = "pki/identity-provider-ca.crt"

    /// `--oidc-…` is known from 1.20 to 1.36; the structured `--authentication-config` only from 1.30 on. What is not given has
    /// Kubernetes' default, which is EKS' too: the claim `sub`, and the issuer's URL and `#` before the name.
    func addIdentityProvider(_ flags: inout FlagList, _ placement: InstancePlacement) {
        guard let provider = context.settings.identityProvider else { return }
        flags.set("--oidc-issuer-url", provider.issuerURL)
        flags.set("--oidc-client-id", provider.clientID)
        if let claim = provider.usernameClaim { flags.set("--oidc-username-claim", claim) }
        if let prefix = provider.usernamePrefix { flags.set("--oidc-username-prefix", prefix) }
        if let claim = provider.groupsClaim { flags.set("--oidc-groups-claim", claim) }
        if let prefix = provider.groupsPrefix { flags.set("--oidc-groups-prefix", prefix) }
        for (claim, value) in provider.requiredClaims.sorted(by: { $0.key < $1.key }) {
            flags.set("--oidc-required-claim", "\(claim)=\(value)")
        }
        if context.issuerAuthorities != nil { flags.set("--oidc-ca-file", path(Self.authorities, in: placement)) }
    }

    func identityProviderFiles() -> [InstanceFile] {
        guard context.settings.identityProvider != nil, let authorities = context.issuerAuthorities else { return [] }
        return [InstanceFile(path: Self.authorities, content: authorities, mode: 0o644)]
    }

    /// Whom an API server asks outside of its cluster's network: the issuer, for the keys that tokens are signed with.
    var issuerEgress: [Egress] {
        context.settings.identityProvider?.issuer.map { [Egress(host: $0.host, port: $0.port)] } ?? []
    }
}
