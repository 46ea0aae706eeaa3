import FleetModel
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import KMSAPI
import KMSPlugin
import Logging
import SwiftProtobuf
import Testing

/// The plugin as an API server meets it: over its socket, by gRPC.
@Suite struct KMSPluginServiceTests {
    typealias Client = GRPCClient<HTTP2ClientTransport.Posix>

    /// A plugin's files, in a directory of their own.
    private struct Files {
        let directory: String
        var socket: String { "\(directory)/plugin.sock" }
        var keys: String { "\(directory)/keys.json" }

        static func with(_ body: (Files) async throws -> Void) async throws {
            let files = Files(directory: "/tmp/kms-plugin-\(UUID().uuidString.prefix(8))")
            try FileManager.default.createDirectory(
                atPath: files.directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            defer { try? FileManager.default.removeItem(atPath: files.directory) }
            try await body(files)
        }

        func write(_ ids: [String], mode: Int = 0o600) throws {
            let keys = KeyPackage(
                keys: ids.enumerated().map { index, id in
                    .init(id: id, keyBase64: Data(repeating: UInt8(id.utf8.reduce(0) { $0 &+ $1 }), count: 32).base64EncodedString())
                })
            try JSONEncoder().encode(keys).write(to: URL(filePath: self.keys))
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: self.keys)
        }

        func service() throws -> KMSPluginService {
            try KMSPluginService(
                socket: socket, configuration: KMSPluginConfiguration(keysFile: keys, statusVersion: "v2"),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        }

        func mode(_ path: String) throws -> Int {
            try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber).intValue
        }

        /// The plugin for the time of `body`, and a client of it.
        func serving(_ body: @escaping @Sendable (Client) async throws -> Void) async throws {
            let service = try service()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await service.run() }
                group.addTask {
                    try await withGRPCClient(
                        transport: try .http2NIOPosix(target: .unixDomainSocket(path: socket), transportSecurity: .plaintext)
                    ) { client in try await body(client) }
                }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }

    private static var patient: CallOptions {
        var options = CallOptions.defaults
        options.waitForReady = true
        options.timeout = .seconds(20)
        return options
    }

    @Test func versionOneSealsAndOpens() async throws {
        try await Files.with { files in
            try files.write(["k/1"])
            try await files.serving { client in
                let kms = V1beta1_KeyManagementService.Client(wrapping: client)
                let version = try await kms.version(.with { $0.version = "v1beta1" }, options: Self.patient)
                #expect(version.version == "v1beta1" && !version.runtimeName.isEmpty)
                let sealed = try await kms.encrypt(.with { $0.plain = Data("data key".utf8) })
                #expect(sealed.cipher.firstRange(of: Data("data key".utf8)) == nil)
                let opened = try await kms.decrypt(.with { $0.cipher = sealed.cipher })
                #expect(opened.plain == Data("data key".utf8))
                var changed = sealed.cipher
                changed[changed.count - 1] ^= 1
                let damaged = V1beta1_DecryptRequest.with { $0.cipher = changed }
                let error = await #expect(throws: RPCError.self) { try await kms.decrypt(damaged) }
                #expect(error?.code == .failedPrecondition)
            }
        }
    }

    @Test func versionTwoSaysItsKeyAndHoldsToIt() async throws {
        try await Files.with { files in
            try files.write(["k/2", "k/1"])
            try await files.serving { client in
                let kms = V2_KeyManagementService.Client(wrapping: client)
                let status = try await kms.status(.init(), options: Self.patient)
                #expect(status.version == "v2" && status.healthz == "ok" && status.keyID == "k/2")
                let sealed = try await kms.encrypt(.with { $0.plaintext = Data("seed".utf8) })
                #expect(sealed.keyID == status.keyID)
                func request(saying key: String) -> V2_DecryptRequest {
                    .with {
                        $0.ciphertext = sealed.ciphertext
                        $0.keyID = key
                    }
                }
                let opened = try await kms.decrypt(request(saying: "k/2"))
                #expect(opened.plaintext == Data("seed".utf8))
                let wrong = request(saying: "k/1")
                await #expect(throws: RPCError.self) { try await kms.decrypt(wrong) }
            }
        }
    }

    /// A new key in front: what the old one sealed still opens after the restart, by either version of the interface.
    @Test func anOlderKeyStillOpensAfterARestart() async throws {
        try await Files.with { files in
            try files.write(["k/1"])
            let sealed = Sealed()
            try await files.serving { client in
                let answer = try await V1beta1_KeyManagementService.Client(wrapping: client).encrypt(
                    .with { $0.plain = Data("old".utf8) }, options: Self.patient)
                await sealed.set(answer.cipher)
            }
            #expect(FileManager.default.fileExists(atPath: files.socket), "it is of an earlier life and must not stand in the way")
            try files.write(["k/2", "k/1"])
            try await files.serving { client in
                let kms = V1beta1_KeyManagementService.Client(wrapping: client)
                let old = await sealed.value
                let opened = try await kms.decrypt(.with { $0.cipher = old }, options: Self.patient)
                #expect(opened.plain == Data("old".utf8))
                let new = try await kms.encrypt(.with { $0.plain = Data("new".utf8) })
                #expect(try KeyEnvelope.keyID(of: new.cipher) == "k/2")
            }
        }
    }

    @Test func theSocketIsForTheOwnerOnly() async throws {
        try await Files.with { files in
            try files.write(["k/1"])
            try await files.serving { client in
                _ = try await V2_KeyManagementService.Client(wrapping: client).status(.init(), options: Self.patient)
                #expect(try files.mode(files.socket) & 0o077 == 0)
            }
        }
    }

    @Test func whatOthersCouldReadOrReplaceIsRefused() async throws {
        try await Files.with { files in
            for mode in [0o644, 0o640, 0o604, 0o660] {
                try files.write(["k/1"], mode: mode)
                let error = #expect(throws: KMSPluginError.self) { try files.service() }
                #expect(error?.message.contains("others may have read it") == true)
            }
            try files.write(["k/1"])
            try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: files.directory)
            let open = await #expect(throws: KMSPluginError.self) { try await files.service().run() }
            #expect(open?.message.contains("others may replace the socket") == true)
            try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: files.directory)
            try Data().write(to: URL(filePath: files.socket))
            let taken = await #expect(throws: KMSPluginError.self) { try await files.service().run() }
            #expect(taken?.message.contains("is not a socket") == true)
            #expect(FileManager.default.fileExists(atPath: files.socket), "what is not ours stays")
        }
    }

    @Test func keysThatCannotBeReadAreSaidWithoutSayingThem() async throws {
        try await Files.with { files in
            #expect(throws: KMSPluginError.self) { try files.service() }
            try Data(#"{"keys":[{"id":"k/1","keyBase64":"c2VjcmV0"}]}"#.utf8).write(to: URL(filePath: files.keys))
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: files.keys)
            let error = #expect(throws: KMSPluginError.self) { try files.service() }
            #expect(error?.message.contains("c2VjcmV0") == false)
        }
    }
}

private actor Sealed {
    var value = Data()
    func set(_ value: Data) { self.value = value }
}
