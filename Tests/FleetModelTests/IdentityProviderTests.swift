import FleetModel
import Testing

@Suite struct IdentityProviderTests {
    @Test(arguments: [
        ("https://login.example.com", "login.example.com", UInt16(443)), ("https://10.0.0.1:8443/realms/a", "10.0.0.1", 8443),
        ("https://a.b:443/", "a.b", 443),
    ])
    func whoIsAskedForKeysComesFromTheURL(_ url: String, _ host: String, _ port: UInt16) throws {
        let issuer = try #require(IdentityProvider(id: "", name: "", issuerURL: url, clientID: "").issuer)
        #expect(issuer.host == host && issuer.port == port)
    }

    @Test(arguments: ["https://", "https://a.b:0", "https://a.b:70000", ""]) func whatNamesNobodyHasNoIssuer(_ url: String) {
        #expect(IdentityProvider(id: "", name: "", issuerURL: url, clientID: "").issuer == nil)
    }
}
