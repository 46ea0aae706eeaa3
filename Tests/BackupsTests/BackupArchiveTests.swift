import FleetModel
import Foundation
import PKI
import Testing

@testable import Backups

/// Whole backups in a directory, written and damaged.
@Suite struct BackupArchiveTests {
    private func with(_ body: (ArchiveFixture) async throws -> Void) async throws {
        let fixture = try await ArchiveFixture()
        defer { try? Files.remove(fixture.directory) }
        try await body(fixture)
    }

    @Test func whatWasWrittenComesBack() async throws {
        try await with { fixture in
            let stored = try await fixture.write()
            #expect(stored.storedSize > stored.size)
            let manifest = try await fixture.archive.manifest(of: fixture.backup.id)
            #expect(manifest.facts == stored)
            #expect(manifest.spec == fixture.spec)
            try await fixture.archive.extract(manifest, to: "\(fixture.directory)/out")
            #expect(Files.text("\(fixture.directory)/out") == fixture.snapshot)
            #expect(try await fixture.archive.backups() == [fixture.backup.id])
            let files = try Files.names(in: "\(fixture.directory)/store/demo")
            #expect(files == ["\(fixture.backup.id).data", "\(fixture.backup.id).manifest"], "nothing unfinished is left")
            for file in files {
                let content = try #require(Files.text("\(fixture.directory)/store/demo/\(file)"))
                #expect(!String(decoding: content, as: UTF8.self).contains("secret of the cluster"), "nothing of the snapshot is readable")
            }
            try await fixture.archive.delete(fixture.backup.id)
            #expect(try await fixture.archive.store.list(prefix: "") == [])
        }
    }

    @Test(arguments: [
        "data flipped", "data truncated", "data missing", "manifest flipped", "manifest missing", "manifest of another", "wrong key",
    ])
    func damageIsSaidWithTheBackupsName(_ damage: String) async throws {
        try await with { fixture in
            _ = try await fixture.write()
            let id = fixture.backup.id
            let (data, manifest) = ("\(fixture.directory)/store/demo/\(id).data", "\(fixture.directory)/store/demo/\(id).manifest")
            var archive = fixture.archive
            switch damage {
            case "data flipped": try fixture.change(data) { $0[1000] ^= 1 }
            case "data truncated": try fixture.change(data) { $0.removeLast(10) }
            case "data missing": try Files.remove(data)
            // In the middle of the sealed content.
            case "manifest flipped": try fixture.change(manifest) { $0[$0.count / 2] = $0[$0.count / 2] == 65 ? 66 : 65 }
            case "manifest missing": try Files.remove(manifest)
            case "manifest of another":
                try fixture.change(manifest) {
                    $0 = Array(String(decoding: $0, as: UTF8.self).replacing("demo.2026", with: "demo.2027").utf8)
                }
            default:
                archive = BackupArchive(store: archive.store, box: SecretBox(current: .random()))
            }
            let error = await #expect(throws: BackupError.self) {
                let manifest = try await archive.manifest(of: id)
                try await archive.extract(manifest, to: "\(fixture.directory)/out")
            }
            #expect(error?.code == .damaged)
            #expect(error?.message.contains("\(id)") == true, "\(error?.message ?? "")")
            #expect(Files.status("\(fixture.directory)/out") == nil, "nothing damaged is given out")
        }
    }

    /// Every byte of the manifest counts.
    @Test func anyFlippedByteOfAManifestIsFound() async throws {
        try await with { fixture in
            _ = try await fixture.write()
            let bytes = try #require(Files.text("\(fixture.directory)/store/demo/\(fixture.backup.id).manifest"))
            let written = try BackupManifest(opening: bytes, of: fixture.backup.id, with: fixture.box)
            for place in stride(from: 0, to: bytes.count, by: 7) {
                var changed = bytes
                changed[place] ^= 1
                guard changed != bytes else { continue }
                // Only what JSON does not care for may be read as before; then it is the same manifest.
                guard let read = try? BackupManifest(opening: changed, of: fixture.backup.id, with: fixture.box) else { continue }
                #expect(read == written, "byte \(place)")
            }
        }
    }

    @Test func anInterruptedWriteLeavesNoBackup() async throws {
        struct Broken: Error {}
        try await with { fixture in
            let pieces = Pieces([[1, 2, 3]], error: Broken())
            await #expect(throws: Broken.self) {
                try await fixture.archive.store.put("demo/x.data", ByteStream { try await pieces.next() })
            }
            let objects = try await fixture.archive.store.list(prefix: "")
            let files = try Files.names(in: "\(fixture.directory)/store/demo")
            #expect(objects.isEmpty && files.isEmpty)
        }
    }

    @Test func namesThatWouldLeaveTheDirectoryAreRefused() async throws {
        try await with { fixture in
            for name in ["../x", "/etc/x", "a//b", "", ".hidden", "a/../b", "a b", "ü"] {
                let error = await #expect(throws: BackupError.self) { try await fixture.archive.store.put(name, bytes: [1]) }
                #expect(error?.code == .invalid, "\(name)")
            }
        }
    }
}

/// Pieces, and maybe an error after them.
actor Pieces {
    private var rest: [[UInt8]]
    private let error: (any Error)?

    init(_ pieces: [[UInt8]], error: (any Error)? = nil) {
        rest = pieces
        self.error = error
    }

    func next() throws -> [UInt8]? {
        if !rest.isEmpty { return rest.removeFirst() }
        if let error { throw error }
        return nil
    }
}
