import AsyncHTTPClient
import FleetModel
import Foundation
import NIOCore
import SignatureV4
import Timing

/// An access key of the region and its secret.
public struct ClientCredentials: Sendable {
    public var accessKeyID: String
    public var secretAccessKey: String

    public init(accessKeyID: String, secretAccessKey: String) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
    }
}

/// The operator API of a region. Every call throws `OperatorClientError`.
public struct OperatorClient: Sendable {
    /// `http://127.0.0.1:7480`.
    public let endpoint: String
    let signer: RequestSigner
    let http: HTTPClient
    let time: TimeSource

    /// The service in the requests' credential scope.
    public static let serviceName = "slipway"
    /// Says at once that nobody listens, where the usual client tries again until its time is up. Lives as long as the process.
    public static let quickClient: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    /// What every path begins with.
    public static let basePath = "/operator/v1"

    public init(
        endpoint: String, region: String, credentials: ClientCredentials, http: HTTPClient = quickClient, time: TimeSource = .system
    ) {
        self.endpoint = endpoint.hasSuffix("/") ? String(endpoint.dropLast()) : endpoint
        signer = RequestSigner(
            credential: Credential(accessKeyID: credentials.accessKeyID, secretAccessKey: credentials.secretAccessKey), region: region,
            service: Self.serviceName)
        self.http = http
        self.time = time
    }

    public func region() async throws -> RegionDetail { try await call("GET", "/region") }

    public func clusters() async throws -> [ClusterOverview] {
        let list: ClusterList = try await call("GET", "/clusters")
        return list.clusters
    }

    public func cluster(_ name: String) async throws -> ClusterDetail { try await call("GET", "/clusters/\(Self.encoded(name))") }

    public func createCluster(_ request: ClusterRequest) async throws -> ClusterDetail { try await call("POST", "/clusters", request) }

    /// Asks for it; the cluster is gone when the watch says so.
    public func deleteCluster(_ name: String) async throws -> ClusterDetail {
        try await call("DELETE", "/clusters/\(Self.encoded(name))")
    }

    /// Asks for it; the members get their new size one after the other.
    public func resizeCluster(_ name: String, _ request: ClusterResize) async throws -> ClusterDetail {
        try await call("POST", "/clusters/\(Self.encoded(name))/resize", request)
    }

    /// What a cluster that has lost a majority of its etcd volumes can begin again from. Changes nothing.
    public func recovery(of name: String) async throws -> RecoveryProposal {
        try await call("GET", "/clusters/\(Self.encoded(name))/recovery")
    }

    /// Begins; refused when it would be done from something else by now.
    public func recover(_ name: String, _ request: RecoveryRequest) async throws -> ClusterDetail {
        try await call("POST", "/clusters/\(Self.encoded(name))/recovery", request)
    }

    /// A new client certificate each time.
    public func kubeconfig(of name: String) async throws -> KubeconfigAnswer {
        try await call("POST", "/clusters/\(Self.encoded(name))/kubeconfig")
    }

    public func users() async throws -> [UserDetail] {
        let list: UserList = try await call("GET", "/users")
        return list.users
    }

    public func createUser(_ request: UserRequest) async throws -> UserDetail { try await call("POST", "/users", request) }

    public func deleteUser(_ name: String) async throws { let _: Nothing = try await call("DELETE", "/users/\(Self.encoded(name))") }

    public func keys(user: String) async throws -> [AccessKeyDetail] {
        let list: AccessKeyList = try await call("GET", "/users/\(Self.encoded(user))/keys")
        return list.keys
    }

    public func createKey(user: String) async throws -> NewAccessKey { try await call("POST", "/users/\(Self.encoded(user))/keys") }

    public func deleteKey(_ id: String, user: String) async throws {
        let _: Nothing = try await call("DELETE", "/users/\(Self.encoded(user))/keys/\(Self.encoded(id))")
    }

    public func releases() async throws -> [Release] {
        let list: ReleaseList = try await call("GET", "/releases")
        return list.releases
    }

    /// The cluster's states as they change, from now on; the first comes at once. Returns when `body` answers false, after the
    /// line that says that the cluster is gone, and when the service stops.
    public func watchCluster(_ name: String, _ body: (ClusterWatchLine) async throws -> Bool) async throws {
        let response = try await send("GET", "/clusters/\(Self.encoded(name))/watch", body: nil, timeout: .hours(24 * 365))
        try await check(response)
        var lines = LineSplitter()
        var parts = response.body.makeAsyncIterator()
        while let part = try await next(&parts) {
            for line in lines.feed(part) {
                guard try await body(try Self.decode(line)) else { return }
            }
        }
    }

    private func next(_ parts: inout HTTPClientResponse.Body.AsyncIterator) async throws -> ByteBuffer? {
        do {
            return try await parts.next()
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw unreachable(error)
        }
    }

    struct Nothing: Codable, Sendable {}

    static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-._~"))) ?? text
    }

    static func decode<Answer: Decodable>(_ bytes: some Sequence<UInt8>) throws -> Answer {
        do {
            return try MessageCoding.decoder().decode(Answer.self, from: Data(bytes))
        } catch {
            throw OperatorClientError(
                code: "unreadable", message: "The region's answer cannot be read: another version of Slipway?", status: 200, cause: error)
        }
    }
}
