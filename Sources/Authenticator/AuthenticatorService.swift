import FleetModel
import Foundation
import Hummingbird
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle

/// The webhook that a cluster's API server asks who a token stands for. It knows nothing of Slipway's service: two files on
/// its instance are all it needs (invariant 7).
public struct AuthenticatorService: Service {
    private let configuration: AuthenticatorConfiguration
    private let mapping: WatchedFile<AccessMappings>
    private let keys: WatchedFile<SigningKeyPackage>
    private let now: @Sendable () -> Date
    private let logger: Logger

    /// - Parameter now: wall time.
    public init(configuration: AuthenticatorConfiguration, now: @escaping @Sendable () -> Date, logger: Logger) {
        self.configuration = configuration
        self.mapping = WatchedFile(configuration.mappingsFile)
        self.keys = WatchedFile(configuration.signingKeysFile)
        self.now = now
        self.logger = logger
    }

    /// Until graceful shutdown or cancellation.
    /// - Throws: `AuthenticatorError` when certificates or the address are of no use.
    public func run() async throws {
        let (host, port) = try configuration.address
        var tls: TLSConfiguration
        do {
            tls = .makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(configuration.certificateFile).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: configuration.keyFile, format: .pem)))
        } catch {
            throw AuthenticatorError("The certificate \(configuration.certificateFile) or its key cannot be read: \(error)")
        }
        tls.minimumTLSVersion = .tlsv12
        let application = Application(
            router: router(), server: try .tls(tlsConfiguration: tls),
            configuration: .init(address: .hostname(host, port: port), serverName: "slipway-authenticator"), logger: logger)
        try await application.run()
    }

    /// `POST /authenticate` and `GET /healthz`.
    public func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.get("/healthz") { _, _ in "ok\n" }
        router.post("/authenticate") { request, _ in
            let body = try await request.body.collect(upTo: 1 << 20)
            guard var review = try? JSONDecoder().decode(TokenReview.self, from: Data(body.readableBytesView)), review.kind == "TokenReview"
            else {
                throw HTTPError(.badRequest, message: "a TokenReview is expected")
            }
            review.status = answer(review.spec?.token ?? "")
            review.spec = nil
            let encoded = try JSONEncoder().encode(review)
            return Response(
                status: .ok, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: ByteBuffer(bytes: encoded)))
        }
        return router
    }

    private func answer(_ token: String) -> TokenReview.Status {
        do {
            guard let keys = keys.value, let mapping = mapping.value else {
                throw AuthenticatorError("the authenticator has not been told yet who may log in")
            }
            let verifier = TokenVerifier(cluster: configuration.clusterName, region: configuration.region)
            let key = try verifier.verify(token, keys: keys, now: now())
            guard let entry = mapping.entries.first(where: { $0.principalARN == key.arn }) else {
                throw AuthenticatorError("\(key.arn) has no access entry in cluster \(configuration.clusterName)")
            }
            guard entry.principalID == key.userID else {
                throw AuthenticatorError(
                    "the access entry of \(key.arn) in cluster \(configuration.clusterName) is of a former user of that name")
            }
            logger.info("accepted", metadata: ["arn": "\(key.arn)", "username": "\(entry.username)"])
            return TokenReview.Status(
                authenticated: true,
                user: .init(
                    username: entry.username.replacing("{{SessionName}}", with: key.arn.split(separator: "/").last.map(String.init) ?? ""),
                    uid: "aws-iam-authenticator:\(key.arn):\(key.userID)", groups: entry.groups + ["system:authenticated"],
                    extra: ["arn": [key.arn], "accessKeyId": [key.accessKeyID], "principalId": [key.userID], "sessionName": [""]]),
                error: nil)
        } catch {
            logger.info("refused", metadata: ["reason": "\(error)"])
            return TokenReview.Status(authenticated: false, user: nil, error: "\(error)")
        }
    }
}
