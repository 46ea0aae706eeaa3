import Foundation
import PKI
import Testing

@Suite final class SecretKeyFileTests {
    private let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "slipway-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    private func refused(_ file: SecretKeyFile) -> String? {
        do {
            _ = try file.loadOrCreate()
            return nil
        } catch {
            return (error as? PKIError).flatMap { $0.code == .keyFile ? $0.message : nil }
        }
    }

    @Test func itIsMadeOnceAndForTheOwnerOnly() throws {
        let file = SecretKeyFile(path: directory.appending(path: "key").path)
        #expect(try file.load() == nil)
        let first = try file.loadOrCreate()
        let sealed = try first.seal(Data("x".utf8), associatedData: "a")
        #expect(try file.loadOrCreate().open(sealed, associatedData: "a") == Data("x".utf8))
        let attributes = try FileManager.default.attributesOfItem(atPath: file.path)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["key"])
    }

    @Test func manyAtOnceEndWithOneKey() async throws {
        let file = SecretKeyFile(path: directory.appending(path: "key").path)
        let identifiers = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<16 { group.addTask { try file.loadOrCreate().currentKeyID } }
            return try await group.reduce(into: Set()) { $0.insert($1) }
        }
        #expect(identifiers.count == 1)
    }

    @Test func aFileThatOthersCanReadIsRefused() throws {
        let file = SecretKeyFile(path: directory.appending(path: "key").path)
        _ = try file.loadOrCreate()
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file.path)
        #expect(refused(file)?.contains("mode 0640") == true)
    }

    @Test func whatIsNoPlainFileIsRefused() throws {
        #expect(refused(SecretKeyFile(path: directory.path)) != nil)
        let link = directory.appending(path: "link")
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: URL(filePath: "/etc/hostname"))
        #expect(refused(SecretKeyFile(path: link.path)) != nil)
        #expect(refused(SecretKeyFile(path: directory.appending(path: "missing/key").path)) != nil)
    }

    @Test(arguments: ["", "one\n", "id !!!\n"]) func brokenContentIsRefused(_ text: String) throws {
        let path = directory.appending(path: "key").path
        #expect(FileManager.default.createFile(atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
        #expect(refused(SecretKeyFile(path: path)) != nil)
    }
}
