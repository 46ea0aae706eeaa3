import AsyncHTTPClient
import FleetModel
import Foundation
import Kubernetes
import NIOCore
import NIOHTTP1
import NIOSSL
import PKI

/// The few calls that Slipway makes to a cluster's own API, as a client with a certificate.
struct KubernetesAPI: Sendable {
    private let client: HTTPClient
    private let base: String
    private var tls: TLSConfiguration
    /// Of the header `Authorization`.
    private var authorization: String?

    private static let timeout = TimeAmount.seconds(10)

    /// - Parameters:
    ///   - base: `https://ADDRESS`.
    ///   - authority: the cluster CA's certificate, PEM.
    /// - Throws: `FleetError` (`credentials`) when the certificates cannot be read.
    init(client: HTTPClient, base: String, authority: String, identity: KeyPair) throws {
        self.client = client
        self.base = base
        do {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)))
            tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(identity.certificatePEM.utf8)).map { .certificate($0) }
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(identity.privateKeyPEM.utf8), format: .pem))
            self.tls = tls
        } catch {
            throw FleetError(.credentials, "The cluster's certificates cannot be read.", cause: error)
        }
    }

    /// As the holder of this token, and no more with the certificate.
    func with(token: String) -> KubernetesAPI {
        var other = self
        (other.tls.certificateChain, other.tls.privateKey) = ([], nil)
        other.authorization = "Bearer \(token)"
        return other
    }

    /// Makes the object, or puts it right (server-side apply).
    /// - Throws: `FleetError` (`kubernetes`).
    func apply(_ object: KubernetesObject) async throws {
        let path = "\(object.path)?\(KubernetesObject.applyQuery)"
        try check(try await send(.PATCH, path, body: object.body, type: KubernetesObject.applyContentType), "PATCH \(object.path)")
    }

    /// Deletes the object if it is there.
    func delete(_ path: String) async throws {
        let answer = try await send(.DELETE, path)
        if answer.status != .notFound { try check(answer, "DELETE \(path)") }
    }

    /// - Returns: nil when there is no such object.
    func object<Value: Decodable>(_ type: Value.Type, at path: String) async throws -> Value? {
        let answer = try await send(.GET, path)
        if answer.status == .notFound { return nil }
        try check(answer, "GET \(path)")
        return try decoded(type, answer.body, of: path)
    }

    /// - Returns: what is at the path, as it comes.
    func text(_ path: String) async throws -> String {
        let answer = try await send(.GET, path)
        try check(answer, "GET \(path)")
        return answer.body
    }

    /// - Returns: the names of the objects in a collection.
    func names(in path: String) async throws -> [String] {
        struct List: Decodable {
            struct Item: Decodable {
                struct Metadata: Decodable { var name: String }
                var metadata: Metadata
            }
            var items: [Item]
        }
        let answer = try await send(.GET, path)
        try check(answer, "GET \(path)")
        return try decoded(List.self, answer.body, of: path).items.map(\.metadata.name)
    }

    /// - Returns: namespace and name of the objects in a collection; nothing else of them is sent.
    func objects(in path: String) async throws -> [(namespace: String, name: String)] {
        struct List: Decodable {
            struct Item: Decodable {
                struct Metadata: Decodable {
                    var namespace: String?
                    var name: String
                }
                var metadata: Metadata
            }
            var items: [Item]
        }
        let answer = try await send(.GET, path, accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1")
        try check(answer, "GET \(path)")
        return try decoded(List.self, answer.body, of: path).items.map { ($0.metadata.namespace ?? "", $0.metadata.name) }
    }

    /// Changes an object by a merge patch (RFC 7386); one that is gone is fine.
    func merge(_ path: String, _ body: String) async throws {
        let answer = try await send(.PATCH, path, body: body, type: "application/merge-patch+json")
        if answer.status != .notFound { try check(answer, "PATCH \(path)") }
    }

    /// That a watch was not begun.
    struct Refusal: Error, CustomStringConvertible {
        var path: String
        var status: HTTPResponseStatus

        /// It has too much to do, or its caches are not full yet.
        var isBusy: Bool { status == .tooManyRequests }
        var description: String { "GET \(path): \(status.code)" }
    }

    /// Reads a watch line by line until `isLast` says so.
    /// - Parameter begun: its answer begins, for which there is a time limit; for the rest there is none.
    /// - Throws: `Refusal`.
    func watch(_ path: String, begun: () -> Void = {}, until isLast: (String) throws -> Bool) async throws {
        var request = request(.GET, path)
        request.headers.add(name: "Accept", value: "application/json")
        let response = try await client.execute(request, timeout: Self.timeout)
        guard response.status == .ok else { throw Refusal(path: path, status: response.status) }
        begun()
        var rest: [UInt8] = []
        for try await part in response.body {
            rest += part.readableBytesView
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                if try isLast(String(decoding: rest[..<end], as: UTF8.self)) { return }
                rest.removeSubrange(...end)
            }
        }
    }

    private func request(_ method: HTTPMethod, _ path: String) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: base + path)
        request.method = method
        request.tlsConfiguration = tls
        request.headers.add(name: "User-Agent", value: "slipway")
        if let authorization { request.headers.add(name: "Authorization", value: authorization) }
        return request
    }

    private func decoded<Value: Decodable>(_ type: Value.Type, _ body: String, of path: String) throws -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body.utf8))
        } catch {
            throw FleetError(.kubernetes, "GET \(path): the answer cannot be read", cause: error)
        }
    }

    private func check(_ answer: (status: HTTPResponseStatus, body: String), _ what: String) throws {
        guard (200..<300).contains(answer.status.code) else {
            throw FleetError(.kubernetes, "\(what): \(answer.status.code) \(answer.body.prefix(300))")
        }
    }

    /// One request as it is, for who looks at how it is answered.
    /// - Throws: `FleetError` (`kubernetes`) when there is no answer.
    func send(_ method: HTTPMethod, _ path: String, body: String? = nil, type: String = "application/json", accept: String? = nil)
        async throws
        -> (status: HTTPResponseStatus, body: String)
    {
        var request = request(method, path)
        if let accept { request.headers.add(name: "Accept", value: accept) }
        if let body {
            request.headers.add(name: "Content-Type", value: type)
            request.body = .bytes(ByteBuffer(string: body))
        }
        do {
            let response = try await client.execute(request, timeout: Self.timeout)
            return (response.status, String(buffer: try await response.body.collect(upTo: 16 << 20)))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw FleetError(.kubernetes, "\(method) \(base)\(path): no answer", cause: error)
        }
    }
}
