import Crypto
import FleetModel
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import PKI
import ServiceLifecycle
import _CryptoExtras

/// An OpenID Connect issuer on one of this host's addresses: its discovery document, its public key, and tokens that it signs.
struct OIDCIssuer: Sendable {
    /// `https://ADDRESS:PORT`
    let url: String
    private let key: _RSA.Signing.PrivateKey

    private struct Discovery: Encodable {
        var issuer: String
        var jwksURI: String
        var types = ["id_token"]
        var subjects = ["public"]
        var algorithms = ["RS256"]

        enum CodingKeys: String, CodingKey {
            case issuer
            case jwksURI = "jwks_uri"
            case types = "response_types_supported"
            case subjects = "subject_types_supported"
            case algorithms = "id_token_signing_alg_values_supported"
        }
    }

    private struct KeySet: Encodable {
        struct Key: Encodable {
            var kty = "RSA"
            var alg = "RS256"
            var use = "sig"
            var kid = "one"
            var n, e: String
        }
        var keys: [Key]
    }

    private struct Header: Encodable {
        var alg = "RS256"
        var typ = "JWT"
        var kid = "one"
    }

    private struct Claims: Encodable {
        var iss, sub, aud: String
        var iat, exp: Int
        var groups: [String]?
    }

    /// Runs an issuer while `body` does.
    /// - Parameter authority: signs its certificate.
    static func serving(
        at address: IPv4Address, authority: CertificateAuthority, _ body: @Sendable (OIDCIssuer) async throws -> Void
    ) async throws {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        var logger = Logger(label: "issuer")
        logger.logLevel = .critical
        let application = Application(
            router: try router(key), server: try .tls(tlsConfiguration: try tls(address, authority)),
            configuration: .init(address: .hostname("\(address)", port: 0)),
            onServerRunning: { channel in port.yield(channel.localAddress?.port ?? 0) }, logger: logger)
        let group = ServiceGroup(configuration: .init(services: [application], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            var iterator = ports.makeAsyncIterator()
            let issuer = OIDCIssuer(url: "https://\(address):\(await iterator.next() ?? 0)", key: key)
            do {
                try await body(issuer)
                await group.triggerGracefulShutdown()
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
        }
    }

    private static func tls(_ address: IPv4Address, _ authority: CertificateAuthority) throws -> TLSConfiguration {
        let pair = try CertificateIssuer(authority).issue(
            CertificateRequest(commonName: "issuer", addresses: [address], usage: .server), now: Date())
        return .makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(pair.certificatePEM.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(pair.privateKeyPEM.utf8), format: .pem)))
    }

    private static func router(_ key: _RSA.Signing.PrivateKey) throws -> Router<BasicRequestContext> {
        let primitives = try key.publicKey.getKeyPrimitives()
        let keys = KeySet(keys: [.init(n: base64URL(primitives.modulus), e: base64URL(primitives.publicExponent))])
        let router = Router()
        router.get("/.well-known/openid-configuration") { request, _ in
            let issuer = "https://\(request.head.authority ?? "")"
            return try json(Discovery(issuer: issuer, jwksURI: "\(issuer)/keys"))
        }
        router.get("/keys") { _, _ in try json(keys) }
        return router
    }

    private static func json(_ value: some Encodable) throws -> Response {
        let bytes = ByteBuffer(bytes: try JSONEncoder().encode(value))
        return Response(status: .ok, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: bytes))
    }

    /// A signed token for `ada`, who has been authenticated a minute ago.
    /// - Parameters:
    ///   - lifetime: seconds from now.
    ///   - forged: by another key than the issuer's.
    func token(
        audience: String = "kubernetes", groups: [String]? = ["harbour"], lifetime: TimeInterval = 3600, forged: Bool = false
    ) throws -> String {
        let now = Date().timeIntervalSince1970
        let claims = Claims(
            iss: url, sub: "ada", aud: audience, iat: Int(now - 60 + min(0, lifetime)), exp: Int(now + lifetime), groups: groups)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        let signed = try "\(Self.base64URL(encoder.encode(Header()))).\(Self.base64URL(encoder.encode(claims)))"
        let signer = forged ? try _RSA.Signing.PrivateKey(keySize: .bits2048) : key
        let signature = try signer.signature(for: Data(signed.utf8), padding: .insecurePKCS1v1_5)
        return "\(signed).\(Self.base64URL(signature.rawRepresentation))"
    }

    private static func base64URL(_ data: Data) -> String {
        data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
