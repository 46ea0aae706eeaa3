import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization
import Testing

/// People at work on a cluster, without pause and through its endpoint, while something happens to it.
///
/// Each writer puts 1, 2, 3… into a ConfigMap of its own and notes what was acknowledged; readers check that no value goes
/// backwards. In the end every acknowledged write must be there. Requests may fail; what was said to be kept must be kept.
final class NumberedWrites: Sendable {
    private struct Record {
        /// Of each writer: the number that it tried last, the last one that was acknowledged, and how many were.
        var tried: [Int]
        var acknowledged: [Int]
        var count: [Int]
        /// No read that begins now may see less.
        var floor: [Int]
        var backwards: [String] = []
        var lastFailure = "none"
    }

    private let client: HTTPClient
    private let server: String
    private let record: Mutex<Record>
    private let prefix: String

    /// No request takes longer.
    private static let timeout = TimeAmount.seconds(10)
    /// A client that is refused at once does not spin.
    private static let pause = Duration.milliseconds(50)

    private init(kubeconfig: String, writers: Int) throws {
        let text = try String(contentsOfFile: kubeconfig, encoding: .utf8)
        func field(_ name: String) throws -> String {
            let line = text.split(separator: "\n").first { $0.trimmingCharacters(in: .whitespaces).hasPrefix("\(name):") }
            let value = try #require(line, "the kubeconfig has no \(name)").split(separator: ":", maxSplits: 1)[1]
            return value.trimmingCharacters(in: CharacterSet(charactersIn: " \"'"))
        }
        func data(_ name: String) throws -> [UInt8] { Array(try #require(Data(base64Encoded: try field(name)), "\(name)")) }
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(try data("certificate-authority-data")))
        tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(try data("client-certificate-data")).map { .certificate($0) }
        tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: try data("client-key-data"), format: .pem))
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        // A connection that went silent is given up with its request.
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(2)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        server = try field("server")
        prefix = "numbered-\(UInt32.random(in: .min ... .max))"
        let none = Array(repeating: 0, count: writers)
        record = Mutex(Record(tried: none, acknowledged: none, count: none, floor: none))
    }

    /// Runs `body` under the load, and checks afterwards that nothing was lost.
    static func go(
        on cluster: String, _ region: RegionFixture, writers: Int = 4, readers: Int = 2,
        _ location: SourceLocation = #_sourceLocation, during body: (NumberedWrites) async throws -> Void
    ) async throws {
        let writes = try NumberedWrites(kubeconfig: try await region.certificateKubeconfig(of: cluster), writers: writers)
        do {
            try await writes.prepare(location)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<writers { group.addTask { await writes.write(number) } }
                for number in 0..<readers { group.addTask { await writes.read(number % writers) } }
                defer { group.cancelAll() }
                try await writes.goOn("before anything happens", location)
                try await body(writes)
            }
            try await writes.verify(location)
        } catch {
            let record = writes.record.withLock { $0 }
            print("--- the load: acknowledged \(record.count) of \(record.tried), the last failure: \(record.lastFailure)")
            try? await writes.client.shutdown()
            throw error
        }
        try await writes.client.shutdown()
    }

    /// Waits until each writer has had some writes acknowledged that it began after this call.
    func goOn(_ what: String, within limit: Duration = .seconds(90), _ location: SourceLocation = #_sourceLocation) async throws {
        let before = record.withLock { $0.count }
        try await eventually("writes are acknowledged \(what)", within: limit, location) {
            // The first of them may have been under way before.
            zip(record.withLock { $0.count }, before).allSatisfy { $0 > $1 + 4 }
        }
        let backwards = record.withLock { $0.backwards }
        try #require(backwards.isEmpty, "a value went backwards \(what)", sourceLocation: location)
    }

    // MARK: The work

    /// A request may fail here as any other may: what has just happened to the cluster may have left an API server with a connection to an
    /// etcd that is gone, and it learns so from the first request. One whose answer was lost may have been carried out.
    private func prepare(_ location: SourceLocation) async throws {
        for number in 0..<record.withLock({ $0.tried.count }) {
            let body = #"{"metadata":{"name":"\#(prefix)-\#(number)"},"data":{"n":"0"}}"#
            try await eventually("the ConfigMap \(number) is made", location) {
                guard let (status, answer) = try? await send(.POST, path(), body) else { return false }
                record.withLock { $0.lastFailure = "\(status) \(answer.prefix(300))" }
                return status == 201 || status == 409
            }
        }
    }

    private func write(_ number: Int) async {
        while !Task.isCancelled {
            let mine = record.withLock { record in
                record.tried[number] += 1
                return record.tried[number]
            }
            guard await ask(.PATCH, number, #"{"data":{"n":"\#(mine)"}}"#) != nil else { continue }
            record.withLock { record in
                record.acknowledged[number] = mine
                record.count[number] += 1
                record.floor[number] = max(record.floor[number], mine)
            }
        }
    }

    private func read(_ number: Int) async {
        while !Task.isCancelled {
            let floor = record.withLock { $0.floor[number] }
            guard let found = await ask(.GET, number) else { continue }
            record.withLock { record in
                if found < floor { record.backwards.append("writer \(number): \(found) after \(floor)") }
                record.floor[number] = max(record.floor[number], found)
            }
        }
    }

    /// Everything that was acknowledged is there, and nothing that nobody wrote; the cluster may still be coming back.
    private func verify(_ location: SourceLocation) async throws {
        let record = record.withLock { $0 }
        for (number, acknowledged) in record.acknowledged.enumerated() {
            var found: Int?
            try await eventually("writer \(number)'s value can be read", within: .seconds(120), location) {
                found = await ask(.GET, number)
                return found != nil
            }
            #expect(
                (acknowledged...record.tried[number]).contains(found ?? -1),
                "writer \(number): \(acknowledged) was acknowledged, and \(found ?? -1) is there", sourceLocation: location)
        }
        #expect(record.backwards.isEmpty, "values went backwards", sourceLocation: location)
    }

    // MARK: Requests

    private func path(_ number: Int? = nil) -> String {
        "/api/v1/namespaces/default/configmaps" + (number.map { "/\(prefix)-\($0)" } ?? "")
    }

    /// The number that the answer has; nil when there is no good answer.
    private func ask(_ method: HTTPMethod, _ number: Int, _ body: String? = nil) async -> Int? {
        struct ConfigMap: Decodable { var data: [String: String] }
        do {
            let (status, answer) = try await send(method, path(number), body)
            if status == 200, let text = try JSONDecoder().decode(ConfigMap.self, from: Data(answer.utf8)).data["n"] { return Int(text) }
            record.withLock { $0.lastFailure = "\(status) \(answer.prefix(300))" }
        } catch {
            record.withLock { $0.lastFailure = "\(error)" }
        }
        try? await ContinuousClock().sleep(for: Self.pause)
        return nil
    }

    private func send(_ method: HTTPMethod, _ path: String, _ body: String? = nil) async throws -> (status: UInt, body: String) {
        var request = HTTPClientRequest(url: server + path)
        request.method = method
        if let body {
            request.headers.add(name: "Content-Type", value: method == .PATCH ? "application/merge-patch+json" : "application/json")
            request.body = .bytes(ByteBuffer(string: body))
        }
        let response = try await client.execute(request, timeout: Self.timeout)
        return (response.status.code, String(buffer: try await response.body.collect(upTo: 1 << 20)))
    }
}
