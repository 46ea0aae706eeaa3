import FleetModel
import Kubernetes
import Substrate
import Testing

@Suite struct IdentityProviderRenderingTests {
    private func oidc(_ spec: InstanceSpec) -> [String] { spec.arguments(of: .apiServer).filter { $0.hasPrefix("--oidc") } }

    @Test func withoutAProviderThereIsNothingOfIt() throws {
        var fixture = try Fixture(kubernetes: "1.30.14", etcd: "3.5.16")
        fixture.context.issuerAuthorities = Fixture.issuerAuthorities
        let spec = try fixture.apiServer()
        #expect(oidc(spec).isEmpty && spec.egress.isEmpty)
        #expect(spec.file("pki/identity-provider-ca.crt") == nil)
    }

    /// Kubernetes' own defaults are EKS'.
    @Test(arguments: ["1.20.2", "1.30.14", "1.36.2"]) func whatIsNotGivenIsNotSaid(_ version: String) throws {
        var fixture = try Fixture(kubernetes: version, etcd: "3.5.16")
        fixture.context.settings.identityProvider = IdentityProvider(
            id: "1", name: "corp", issuerURL: "https://login.example.com", clientID: "kubernetes")
        let spec = try fixture.apiServer()
        #expect(oidc(spec) == ["--oidc-issuer-url=https://login.example.com", "--oidc-client-id=kubernetes"])
        #expect(spec.egress == [Egress(host: "login.example.com", port: 443)])
        #expect(try fixture.etcd().egress.isEmpty)
    }

    @Test func everyPartHasItsFlag() throws {
        let spec = try Fixture(kubernetes: "1.20.2", etcd: "3.4.23").loggingIn().apiServer()
        #expect(
            oidc(spec) == [
                "--oidc-issuer-url=https://100.66.0.65:8443/realms/a", "--oidc-client-id=kubernetes", "--oidc-username-claim=email",
                "--oidc-username-prefix=-", "--oidc-groups-claim=groups", "--oidc-groups-prefix=oidc:",
                "--oidc-required-claim=hd=example.com,a=b", "--oidc-required-claim=tenant=7",
                "--oidc-ca-file=/data/demo/api-1/pki/identity-provider-ca.crt",
            ])
        #expect(spec.file("pki/identity-provider-ca.crt")?.content == Fixture.issuerAuthorities)
        #expect(spec.egress == [Egress(host: "100.66.0.65", port: 8443)])
    }
}
