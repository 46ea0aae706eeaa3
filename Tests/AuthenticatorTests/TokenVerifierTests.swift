import Authenticator
import FleetModel
import Foundation
import SignatureV4
import Testing

/// Tokens made by our own signer as `aws eks get-token` makes them.
struct TokenFixture {
    let credential = Credential(accessKeyID: "AKIATESTTESTTESTTEST", secretAccessKey: "secret")
    let cluster: ClusterName
    let now = Date(timeIntervalSince1970: 1_790_000_000)

    init() throws { cluster = try ClusterName("demo") }

    var keys: SigningKeyPackage {
        let date = SignatureTimestamp(now).day
        let key = credential.signingKey(date: date, region: "local-1", service: "sts")
        return SigningKeyPackage(keys: [
            .init(
                accessKeyID: credential.accessKeyID, date: date, region: "local-1", arn: "arn:aws:iam::000000000000:user/anna",
                userID: "AIDA1", keyBase64: Data(key.bytes).base64EncodedString())
        ])
    }

    var verifier: TokenVerifier { TokenVerifier(cluster: cluster, region: "local-1") }

    func token(
        for cluster: String = "demo", action: String = "GetCallerIdentity", extra: String = "", region: String = "local-1",
        service: String = "sts", expiry: Int = 60, signedAt: Date? = nil, secret: String? = nil, header: Bool = true
    ) -> String {
        let credential = Credential(accessKeyID: credential.accessKeyID, secretAccessKey: secret ?? credential.secretAccessKey)
        let signer = RequestSigner(credential: credential, region: region, service: service)
        var headers = [(name: "host", value: "sts.local-1.amazonaws.com")]
        if header { headers.append((name: "x-k8s-aws-id", value: cluster)) }
        let request = SignableRequest(
            method: "GET", path: "/", query: "Action=\(action)&Version=2011-06-15\(extra)", headers: headers)
        let query = signer.presignedQuery(for: request, expiry: expiry, now: signedAt ?? now)
        return Self.encode("https://sts.local-1.amazonaws.com/?\(query)")
    }

    static func encode(_ url: String) -> String {
        "k8s-aws-v1." + Data(url.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}

@Suite struct TokenVerifierTests {
    let fixture: TokenFixture

    init() throws { fixture = try TokenFixture() }

    @Test func aGoodTokenNamesItsOwner() throws {
        let key = try fixture.verifier.verify(fixture.token(), keys: fixture.keys, now: fixture.now)
        #expect(key.arn == "arn:aws:iam::000000000000:user/anna")
    }

    @Test func itIsGoodForFifteenMinutesWhateverTheURLSays() throws {
        let token = fixture.token(expiry: 60)
        #expect(throws: Never.self) { try fixture.verifier.verify(token, keys: fixture.keys, now: fixture.now + 890) }
        #expect(throws: AuthenticatorError.self) { try fixture.verifier.verify(token, keys: fixture.keys, now: fixture.now + 901) }
    }

    @Test func whatIsWrongIsRefused() throws {
        let bad: [(String, String)] = [
            ("another cluster", fixture.token(for: "other")),
            ("another action", fixture.token(action: "GetSessionToken")),
            ("an unknown parameter", fixture.token(extra: "&Foo=bar")),
            ("a doubled parameter", fixture.token(extra: "&Action=GetCallerIdentity")),
            ("another region", fixture.token(region: "local-2")),
            ("another service", fixture.token(service: "eks")),
            ("a wrong secret", fixture.token(secret: "guess")),
            ("no cluster header", fixture.token(header: false)),
            ("a long life", fixture.token(expiry: 901)),
            ("the future", fixture.token(signedAt: fixture.now + 3600)),
            ("no token", "hello"),
            ("no URL", TokenFixture.encode("nothing")),
            ("another path", TokenFixture.encode("https://sts.local-1.amazonaws.com/x?Action=GetCallerIdentity")),
            ("an empty token", "k8s-aws-v1."),
            ("a huge token", "k8s-aws-v1." + String(repeating: "a", count: 100_000)),
        ]
        for (what, token) in bad {
            #expect(throws: AuthenticatorError.self, "\(what)") {
                try fixture.verifier.verify(token, keys: fixture.keys, now: fixture.now)
            }
        }
    }

    @Test func withoutTheDaysKeyNobodyLogsIn() throws {
        #expect(throws: AuthenticatorError.self) {
            try fixture.verifier.verify(fixture.token(), keys: SigningKeyPackage(keys: []), now: fixture.now)
        }
    }
}
