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
import SignatureV4
import Timing

/// The EKS API (restJson) and `sts:GetCallerIdentity`, on one address.
///
/// Decodes, checks the signature, calls, encodes, and writes each call into the audit log; it decides nothing. Every answer is
/// in the form of the service asked, errors and unknown paths included.
public struct EKSAPI: Sendable {
    /// Bytes of a request's body.
    public static let bodyLimit = 1 << 20

    let clusters: Clusters
    let identity: IdentityStore
    let audit: any AuditLog
    let time: TimeSource
    let logger: Logger

    public init(clusters: Clusters, identity: IdentityStore, audit: any AuditLog, time: TimeSource, logger: Logger) {
        self.clusters = clusters
        self.identity = identity
        self.audit = audit
        self.time = time
        self.logger = logger
    }

    var region: Region { clusters.region }

    /// Always answers.
    /// - Parameter remoteAddress: the client's, for the audit log.
    public func respond(to request: Request, remoteAddress: String?, requestID: String) async -> Response {
        let start = time.uptime
        var exchange = Exchange(request, requestID: requestID)
        let route: EKSRoute? = exchange.isSTS ? nil : EKSRoute(method: exchange.signable.method, path: exchange.signable.path)
        var response: Response
        do {
            if exchange.isSTS {
                exchange.operation = "GetCallerIdentity"
                let body = try await authenticate(&exchange, request, service: "sts")
                response = try callerIdentity(exchange, body: body)
            } else {
                guard let route else { throw APIFailure.unknownOperation(exchange.signable.method, exchange.signable.path) }
                exchange.operation = route.operationName
                exchange.resource = route.labels.first
                let body = try await authenticate(&exchange, request, service: "eks")
                response = try await perform(route, exchange, body: body)
            }
        } catch {
            let failure = failure(error, exchange)
            exchange.failure = failure
            response = exchange.isSTS ? STSAnswers.error(failure, error, requestID: requestID) : JSONAnswers.error(failure)
        }
        JSONAnswers.mark(&response, requestID: requestID)
        record(exchange, response, remoteAddress: remoteAddress, seconds: (time.uptime - start).seconds)
        return response
    }

    // MARK: Steps

    /// Reads the body and checks the signature. A request that is not signed at all is refused before its body is read.
    private func authenticate(_ exchange: inout Exchange, _ request: Request, service: String) async throws -> [UInt8] {
        guard exchange.signable.carriesSignature else { throw SignatureError.missing }
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > Self.bodyLimit { throw APIFailure.bodyTooLarge }
        let buffer: ByteBuffer
        do {
            buffer = try await request.body.collect(upTo: Self.bodyLimit)
        } catch is NIOTooManyBytesError {
            throw APIFailure.bodyTooLarge
        }
        let body = Array(buffer: buffer)
        exchange.signable.bodyHash = SignableRequest.hash(body)
        let claim = try SignatureClaim(exchange.signable)
        exchange.accessKeyID = claim.accessKeyID
        try claim.check(region: region.name, service: service, now: time.now)
        guard let known = try await identity.find(accessKeyID: claim.accessKeyID) else { throw SignatureError.unknownKey }
        try claim.verify(
            with: known.credential.signingKey(date: claim.scope.date, region: claim.scope.region, service: claim.scope.service))
        exchange.caller = known.principal
        return body
    }

    private func failure(_ error: any Error, _ exchange: Exchange) -> APIFailure {
        var failure = APIFailure(error) ?? .internalFailure
        if failure.status >= 500 {
            logger.error(
                "\(exchange.operation) failed", metadata: ["error": "\(error)", "request": "\(exchange.requestID)"])
        }
        if exchange.operation.hasSuffix("TagResource") || exchange.operation == EKSOperation.listTagsForResource.rawValue {
            failure = failure.forTags
        }
        return failure
    }

    private func record(_ exchange: Exchange, _ response: Response, remoteAddress: String?, seconds: Double) {
        let service = exchange.isSTS ? "sts" : "eks"
        audit.record(
            AuditRecord(
                time: time.now, requestID: exchange.requestID, service: service, operation: exchange.operation,
                principalARN: exchange.caller?.arn, accessKeyID: exchange.accessKeyID.map { String($0.prefix(128)) },
                sourceAddress: remoteAddress, userAgent: exchange.userAgent, resource: exchange.resource.map { String($0.prefix(256)) },
                status: response.status.code, errorCode: exchange.failure?.code, errorMessage: exchange.failure?.message,
                milliseconds: Int(seconds * 1000)))
        RegionMetrics.apiRequest(service: service, operation: exchange.operation, code: response.status.code, seconds: seconds)
    }
}

/// What is known of one request while it is answered.
struct Exchange {
    var signable: SignableRequest
    var requestID: String
    /// STS is the root path, EKS everything else.
    var isSTS: Bool
    var operation = "Unknown"
    var resource: String?
    var accessKeyID: String?
    var caller: Principal?
    var failure: APIFailure?
    var userAgent: String?

    init(_ request: Request, requestID: String) {
        let target = (request.head.path ?? "/").split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var headers = request.headers.map { (name: $0.name.canonicalName, value: $0.value) }
        if let authority = request.head.authority { headers.append((name: "host", value: authority)) }
        self.signable = SignableRequest(
            method: request.method.rawValue, path: String(target[0]), query: target.count == 2 ? String(target[1]) : "", headers: headers)
        self.requestID = requestID
        self.isSTS = signable.path == "/"
        self.userAgent = request.headers[.userAgent].map { String($0.prefix(256)) }
    }
}
