import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import SignatureV4
import Subprocess
import SystemPackage
import Testing
import Timing

@testable import Backups

/// The S3 store against moto's server, which stands in for S3 and checks signatures on demand.
@Suite(.serialized, .timeLimit(.minutes(2))) struct S3Tests {
    @Test func objectsComeAndGo() async throws {
        try await MotoServer.with { moto in
            let store = moto.store()
            let small = Array("small".utf8)
            // Three parts, the last of them short.
            let large = (0..<11 << 20).map { UInt8(truncatingIfNeeded: $0 &* 131) }
            try await store.put("demo/a.manifest", bytes: small)
            try await store.put("demo/a.data", Self.stream(large, by: 999_999))
            try await store.put("other/b.data", bytes: [])
            #expect(try await store.read("demo/a.manifest") == small)
            #expect(try await Self.hash(store, "demo/a.data") == SignableRequest.hash(large))
            #expect(
                try await store.list(prefix: "demo/") == [
                    .init(name: "demo/a.data", size: 11 << 20), .init(name: "demo/a.manifest", size: 5),
                ])
            #expect(try await store.list(prefix: "").count == 3)
            try await store.put("demo/a.manifest", bytes: [1])
            #expect(try await store.read("demo/a.manifest") == [1], "an object is replaced")
            for _ in 0..<2 { try await store.delete("demo/a.manifest") }
            let error = await #expect(throws: BackupError.self) { try await store.read("demo/a.manifest") }
            #expect(error?.code == .notFound)
        }
    }

    /// An upload that ends in the middle leaves no object, and no parts that would be paid for.
    @Test func anInterruptedUploadLeavesNothing() async throws {
        struct Broken: Error {}
        try await MotoServer.with { moto in
            let store = moto.store()
            let pieces = Pieces(Array(repeating: [UInt8](repeating: 1, count: 1 << 20), count: 6), error: Broken())
            await #expect(throws: Broken.self) { try await store.put("demo/x.data", ByteStream { try await pieces.next() }) }
            #expect(try await store.list(prefix: "").isEmpty)
            let uploads = try await store.requests.send("GET", key: "", query: [("uploads", "")]).text
            #expect(!uploads.contains("<UploadId>"), "\(uploads)")
        }
    }

    @Test func whatTheStorageRefusesIsSaid() async throws {
        try await MotoServer.with { moto in
            let error = await #expect(throws: BackupError.self) { try await moto.store(bucket: "absent").put("a", bytes: [1]) }
            #expect(error?.code == .storage)
            #expect(error?.message.contains("NoSuchBucket") == true, "\(error?.message ?? "")")
        }
        let nobody = MotoServer(port: 9).store()
        let error = await #expect(throws: BackupError.self) { try await nobody.put("a", bytes: [1]) }
        #expect(error?.code == .storage)
        #expect(error?.message.contains("does not answer") == true, "\(error?.message ?? "")")
    }

    static func stream(_ bytes: [UInt8], by size: Int) -> ByteStream {
        let pieces = Pieces(stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) })
        return ByteStream { try await pieces.next() }
    }

    static func hash(_ store: S3BackupStore, _ name: String) async throws -> String {
        SignableRequest.hash(try await store.read(name, limit: 64 << 20))
    }
}

/// moto's server on loopback for the time of a test. `scripts/setup` installs it.
struct MotoServer {
    let port: Int
    var http: HTTPClient { Self.client }

    /// Says at once that nobody listens. Lives as long as the process.
    private static let client: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    static var program: String {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["SLIPWAY_CACHE"] ?? "\(environment["XDG_CACHE_HOME"] ?? "\(NSHomeDirectory())/.cache")/slipway"
        return "\(cache)/moto/bin/moto_server"
    }

    static func with(_ body: @escaping @Sendable (MotoServer) async throws -> Void) async throws {
        try #require(FileManager.default.isExecutableFile(atPath: program), "no \(program): run scripts/setup")
        let port = 20_000 + Int(getpid()) % 10_000
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var options = PlatformOptions()
                options.teardownSequence = [.send(signal: .terminate, allowedDurationToNextStep: .seconds(2))]
                _ = try await Subprocess.run(
                    .path(FilePath(program)), arguments: ["-H", "127.0.0.1", "-p", "\(port)"], platformOptions: options, input: .none,
                    output: .discarded, error: .discarded)
                try Task.checkCancellation()
                throw BackupError(.tool, "moto's server ended by itself.")
            }
            group.addTask {
                let moto = MotoServer(port: port)
                let deadline = TimeSource.system.uptime + .seconds(60)
                while true {
                    if let answer = try? await moto.http.execute(HTTPClientRequest(url: "http://127.0.0.1:\(port)/"), timeout: .seconds(1)),
                        answer.status.code < 500
                    {
                        break
                    }
                    try #require(TimeSource.system.uptime < deadline, "moto's server does not start")
                    try await TimeSource.system.sleep(for: .milliseconds(100))
                }
                try await moto.store().requests.send("PUT", key: "")
                try await body(moto)
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    func store(bucket: String = "backups") -> S3BackupStore {
        S3BackupStore(
            endpoint: "http://127.0.0.1:\(port)", region: "us-east-1", bucket: bucket, prefix: "region/",
            credential: Credential(accessKeyID: "AKIAEXAMPLE", secretAccessKey: "secret"), http: http, time: .system, partSize: 5 << 20)
    }
}
