import ClusterService
import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Hummingbird
import Identity
import Logging
import NIOCore
import Observability
import PKI
import SignatureV4
import SlipwayClient
import Timing

/// The API of the `slipway` program: JSON under `/operator/v1`, signed with Signature V4 for the service `slipway`.
///
/// Decodes, authorises, calls, encodes, and writes each call into the audit log; it decides nothing.
public struct OperatorAPI: Sendable {
    /// Bytes of a request's body.
    public static let bodyLimit = 64 << 10

    let region: Region
    let identity: IdentityStore
    let clusters: Clusters
    let faults: Faults
    let backups: ClusterBackups
    /// A client certificate of a cluster's Kubernetes API for an administrator of that name.
    let administratorCertificate: @Sendable (Cluster, _ user: String) async throws -> KeyPair
    /// What a cluster that has lost a majority of its data can begin again from; nil where clusters have none (simulation).
    let proposeRecovery: (@Sendable (Cluster) async throws -> RecoveryProposal)?
    let store: any FleetStore
    let catalog: any ReleaseCatalog
    /// What secrets can be encrypted with; nil where they cannot be (simulation).
    let keys: (any KeyService)?
    let audit: any AuditLog
    let describeRegion: @Sendable () async throws -> RegionDetail
    let time: TimeSource
    let logger: Logger

    public init(
        region: Region, identity: IdentityStore, clusters: Clusters, faults: Faults, backups: ClusterBackups,
        administratorCertificate: @escaping @Sendable (Cluster, _ user: String) async throws -> KeyPair,
        proposeRecovery: (@Sendable (Cluster) async throws -> RecoveryProposal)? = nil, store: any FleetStore,
        catalog: any ReleaseCatalog, keys: (any KeyService)? = nil,
        audit: any AuditLog, describeRegion: @escaping @Sendable () async throws -> RegionDetail, time: TimeSource, logger: Logger
    ) {
        self.region = region
        self.identity = identity
        self.clusters = clusters
        self.faults = faults
        self.backups = backups
        self.administratorCertificate = administratorCertificate
        self.proposeRecovery = proposeRecovery
        self.store = store
        self.catalog = catalog
        self.keys = keys
        self.audit = audit
        self.describeRegion = describeRegion
        self.time = time
        self.logger = logger
    }

    /// Whether a request is for this API.
    public static func claims(path: some StringProtocol) -> Bool {
        path == OperatorClient.basePath || path.hasPrefix(OperatorClient.basePath + "/")
    }

    /// Always answers.
    public func respond(to request: Request, remoteAddress: String?, requestID: String) async -> Response {
        let start = time.uptime
        let operation = Operation(method: request.method, path: request.rawPath)
        var caller: Caller?
        var resource = operation?.resource
        var failure: OperatorError?
        var response: Response
        do {
            guard let operation else {
                throw OperatorError(404, "UnknownOperationException", "There is no \(request.method) \(request.rawPath.prefix(200)).")
            }
            let body = try await request.body.collect(upTo: Self.bodyLimit)
            let known = try await authenticate(request, body: body)
            caller = known
            if operation == .injectFault { resource = Self.faultResource(Array(buffer: body)) }
            response = try await perform(operation, body: Array(buffer: body), by: known.principal)
        } catch {
            let told =
                OperatorError.answer(to: error)
                ?? OperatorError(500, "ServerException", "Something went wrong; the service's log says what.")
            if told.status == 500 {
                logger.error("\(operation?.name ?? "request") failed", metadata: ["error": "\(error)", "request": "\(requestID)"])
            }
            failure = told
            response = Self.json(OperatorErrorBody(code: told.code, message: told.message), status: HTTPResponse.Status(code: told.status))
        }
        if let name = HTTPField.Name("x-amzn-requestid") { response.headers[name] = requestID }
        let seconds = (time.uptime - start).seconds
        audit.record(
            AuditRecord(
                time: time.now, requestID: requestID, service: OperatorClient.serviceName, operation: operation?.name ?? "Unknown",
                principalARN: caller?.principal.arn, accessKeyID: caller?.accessKeyID, sourceAddress: remoteAddress,
                userAgent: request.headers[.userAgent], resource: resource, status: response.status.code,
                errorCode: failure?.code, errorMessage: failure?.message, milliseconds: Int(seconds * 1000)))
        RegionMetrics.apiRequest(
            service: OperatorClient.serviceName, operation: operation?.name ?? "Unknown", code: response.status.code, seconds: seconds)
        return response
    }

    private struct Caller {
        var principal: Principal
        var accessKeyID: String
    }

    private func authenticate(_ request: Request, body: ByteBuffer) async throws -> Caller {
        var headers = request.headers.map { (name: $0.name.canonicalName, value: $0.value) }
        // HTTP/1's Host line is kept apart from the other headers.
        if let authority = request.head.authority { headers.append((name: "host", value: authority)) }
        let signable = SignableRequest(
            method: request.method.rawValue, path: String(request.rawPath), query: request.uri.query ?? "", headers: headers,
            body: body.readableBytesView)
        var principal: Principal?
        let claim = try await SignatureVerifier(region: region.name, service: OperatorClient.serviceName).verify(signable, now: time.now) {
            id, scope in
            guard let known = try await identity.find(accessKeyID: id) else { return nil }
            principal = known.principal
            return known.credential.signingKey(date: scope.date, region: scope.region, service: scope.service)
        }
        guard let principal else { throw OperatorError(403, "UnrecognizedClientException", "Nobody has this access key.") }
        return Caller(principal: principal, accessKeyID: claim.accessKeyID)
    }

    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) -> Response {
        do {
            let bytes = try MessageCoding.encoder().encode(value)
            return Response(
                status: status, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        } catch {
            return Response(status: .internalServerError)
        }
    }

    static func decode<Message: Decodable>(_ type: Message.Type, _ body: [UInt8]) throws -> Message {
        try MessageCoding.decoder().decode(type, from: Data(body))
    }
}

extension Request {
    /// As it came, still percent-encoded, without the query.
    fileprivate var rawPath: Substring { (head.path ?? "/").prefix { $0 != "?" } }
}
