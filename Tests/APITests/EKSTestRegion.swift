import ClusterService
import EKSAPI
import FleetModel
import FleetStore
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Identity
import KeyRing
import Logging
import NIOCore
import PKI
import SignatureV4
import Testing
import Timing

/// A region's EKS API over a store in memory, with one administrator.
struct EKSTestRegion: Sendable {
    let region: Region
    let store: MemoryStore
    let time: TimeSource
    let identity: IdentityStore
    let clusters: Clusters
    let keys: LocalKeyRing
    let audit = MemoryAuditLog()
    let api: EKSAPI
    let admin: Credential

    static let role = "arn:aws:iam::000000000000:role/eks"

    init(
        time: TimeSource = VirtualTime().source, pool: String = "100.66.0.0/16", cells: [CellName] = [CellName(rawValue: "a")],
        region: Region = .standard(), admin given: Credential? = nil, hasKeys: Bool = true
    ) async throws {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        self.region = region
        self.time = time
        self.store = MemoryStore(time: time)
        self.identity = IdentityStore(store: store, sealing: ReversedSealing(), region: region, time: time, logger: logger)
        self.keys = LocalKeyRing(store: store, box: SecretBox(current: .random()), region: region, time: time)
        self.clusters = Clusters(
            region: region, cells: cells, addressPool: try IPv4Block(pool), store: store, catalog: FixedCatalog(),
            keys: hasKeys ? keys : nil, time: time, logger: logger)
        self.api = EKSAPI(clusters: clusters, identity: identity, audit: audit, time: time, logger: logger)
        self.admin = try #require(try await identity.bootstrapAdministrator(credential: given))
    }

    var application: some ApplicationProtocol {
        Application(responder: EKSResponder(api), configuration: .init(address: .hostname("127.0.0.1", port: 0)))
    }

    /// A new principal with an access key.
    func principal(_ name: String, _ role: Role) async throws -> Credential {
        _ = try await identity.createPrincipal(name: name, role: role)
        return try await identity.createAccessKey(of: name)
    }

    /// One signed request through the whole API.
    /// - Parameter edit: changes the request after it was signed.
    func call(
        _ method: HTTPRequest.Method, _ target: String, _ body: String = "", as credential: Credential? = nil, service: String = "eks",
        signedFor region: String? = nil, signedAt: Date? = nil, edit: (inout HTTPFields) -> Void = { _ in }, sending other: String? = nil
    ) async throws -> EKSAnswer {
        let parts = target.split(separator: "?", maxSplits: 1)
        let signable = SignableRequest(
            method: method.rawValue, path: String(parts[0]), query: parts.count == 2 ? String(parts[1]) : "",
            headers: [(name: "host", value: "localhost")], body: body.utf8)
        let signer = RequestSigner(credential: credential ?? admin, region: region ?? self.region.name, service: service)
        var headers = HTTPFields()
        for header in signer.headers(for: signable, now: signedAt ?? time.now) {
            headers[try #require(HTTPField.Name(header.name))] = header.value
        }
        edit(&headers)
        return try await send(method, target, other ?? body, headers)
    }

    func send(_ method: HTTPRequest.Method, _ target: String, _ body: String = "", _ headers: HTTPFields = [:]) async throws -> EKSAnswer {
        try await application.test(.router) { client in
            try await client.execute(
                uri: target, method: method, headers: headers, body: body.isEmpty ? nil : ByteBuffer(string: body)
            ) { response in
                EKSAnswer(status: response.status.code, headers: response.headers, text: String(buffer: response.body))
            }
        }
    }

    /// Creates a cluster and expects that to go well.
    @discardableResult
    func createCluster(_ name: String, _ more: String = "", as credential: Credential? = nil) async throws -> EKSAnswer {
        let answer = try await call(.post, "/clusters", Self.createBody(name, more), as: credential)
        try #require(answer.status == 200, "\(answer.text)")
        return answer
    }

    /// Stands in for the controllers: the control plane is up.
    func activate(_ name: String, endpoint: String, authority: String) async throws {
        let key = StoreKeys.cluster(try ClusterName(name), in: CellName(rawValue: "a"))
        _ = try await store.update(Cluster.self, key) { cluster in
            var new = cluster
            new.status.phase = .active
            new.status.endpoint = endpoint
            new.status.certificateAuthority = authority
            return new
        }
    }

    /// As the store has it.
    func cluster(_ name: String) async throws -> Cluster? {
        try await store.get(Cluster.self, StoreKeys.cluster(try ClusterName(name), in: CellName(rawValue: "a")))?.value
    }

    static func createBody(_ name: String, _ more: String = "") -> String {
        #"{"name": "\#(name)", "roleArn": "\#(role)", "resourcesVpcConfig": {"subnetIds": []}\#(more.isEmpty ? "" : ", " + more)}"#
    }

    static func isolated(_ text: String) -> String {
        text.replacing(":", with: "%3A").replacing("/", with: "%2F")
    }
}

/// An answer, read.
struct EKSAnswer: Sendable {
    var status: Int
    var headers: HTTPFields
    var text: String

    var errorType: String? { HTTPField.Name("x-amzn-errortype").flatMap { headers[$0] } }

    /// What the JSON has at a path of members; a number is an index.
    subscript(_ path: String...) -> String? {
        var value = try? JSONSerialization.jsonObject(with: Data(text.utf8))
        for name in path {
            if let list = value as? [Any] {
                value = Int(name).flatMap { list.indices.contains($0) ? list[$0] : nil }
            } else {
                value = (value as? [String: Any])?[name]
            }
        }
        return value.map { "\($0)" }
    }

    func strings(_ name: String) -> [String]? {
        ((try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any])?[name] as? [String]
    }
}

/// Stands in for the region's key: it only shows that nothing is stored as it is.
struct ReversedSealing: SecretSealing {
    struct WrongContext: Error {}

    func seal(_ secret: [UInt8], context: String) throws -> [UInt8] { Array("\(context)|".utf8) + secret.reversed() }
    func open(_ sealed: [UInt8], context: String) throws -> [UInt8] {
        let mark = Array("\(context)|".utf8)
        guard sealed.starts(with: mark) else { throw WrongContext() }
        return sealed.dropFirst(mark.count).reversed()
    }
}

/// Three releases of two Kubernetes minors.
struct FixedCatalog: ReleaseCatalog {
    func releases() async throws -> [Release] {
        try [("1.20.2", 1), ("1.20.15", 2), ("1.33.4", 1)].map { version, platform in
            Release(
                id: ReleaseID(rawValue: "\(version)-eks.\(platform)"), kubernetesVersion: try KubernetesVersion(version),
                platformVersion: platform, etcdVersion: "3.5.16",
                artifacts: [Artifact(name: "etcd", sha256: "e", size: 1)], importedAt: 1_767_000_000)
        }
    }
}
