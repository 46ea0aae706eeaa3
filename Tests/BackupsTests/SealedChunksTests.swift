import Crypto
import Testing

@testable import Backups

/// The sealed form of a snapshot: whatever is done to it is found.
@Suite struct SealedChunksTests {
    static let id = "demo.20261124T104512Z-3f2a"
    let key = SymmetricKey(size: .bits256)

    /// Three chunks, the last of them short.
    let plain = (0..<(2 << 20) + 12_345).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    private func sealed(_ plain: [UInt8], id: String = id, pieces: Int = 700_001) throws -> [UInt8] {
        var sealer = ChunkSealer(id: id, key: key)
        var out = sealer.header
        for start in stride(from: 0, to: plain.count, by: pieces) {
            out += try sealer.add(Array(plain[start..<min(start + pieces, plain.count)]))
        }
        return try out + sealer.finish()
    }

    private func opened(_ sealed: [UInt8], id: String = id, pieces: Int = 333_333) throws -> [UInt8] {
        var opener = ChunkOpener(id: id, key: key)
        var out: [UInt8] = []
        for start in stride(from: 0, to: sealed.count, by: pieces) {
            out += try opener.add(Array(sealed[start..<min(start + pieces, sealed.count)]))
        }
        try opener.finish()
        return out
    }

    private func expectDamaged(_ sealed: [UInt8], says: String, id: String = id, _ location: SourceLocation = #_sourceLocation) {
        let error = #expect(throws: BackupError.self, sourceLocation: location) { try opened(sealed, id: id) }
        #expect(error?.code == .damaged, sourceLocation: location)
        #expect(error?.message.contains(says) == true, "\(error?.message ?? "")", sourceLocation: location)
        #expect(error?.message.contains(id) == true, sourceLocation: location)
    }

    @Test(arguments: [0, 1, 1 << 20, (1 << 20) + 1, (2 << 20) + 12_345]) func whatWasSealedOpens(_ size: Int) throws {
        let part = Array(plain.prefix(size))
        #expect(try opened(try sealed(part)) == part)
    }

    @Test func memoryIsOneChunkHoweverItComes() throws {
        let whole = try sealed(plain)
        #expect(try sealed(plain, pieces: 1_000).count == whole.count)
        #expect(try opened(whole, pieces: 1_001) == plain)
    }

    /// In the header, in each length, ciphertext and tag.
    @Test func anyFlippedByteIsFound() throws {
        let whole = try sealed(plain)
        let frame = 4 + (1 << 20) + 16
        let places = [0, 7, 8, 9, 10, 11, 12, 500_000, 8 + frame - 1, 8 + frame, 8 + frame + 3, 8 + 2 * frame + 4, whole.count - 1]
        for place in places {
            for bit in [0x01, 0x80] as [UInt8] {
                var changed = whole
                changed[place] ^= bit
                expectDamaged(changed, says: "damaged")
            }
        }
        var changed = whole
        changed[8 + frame + 99] ^= 1
        expectDamaged(changed, says: "chunk 1, bytes \(8 + frame)")
    }

    @Test func anEndThatComesTooSoonIsFound() throws {
        let whole = try sealed(plain)
        let frame = 4 + (1 << 20) + 16
        expectDamaged([], says: "before anything")
        expectDamaged(Array(whole.prefix(5)), says: "before anything")
        expectDamaged(Array(whole.prefix(8)), says: "its last chunk is missing")
        expectDamaged(Array(whole.prefix(8 + frame)), says: "after chunk 0")
        expectDamaged(Array(whole.prefix(8 + 2 * frame + 2)), says: "in the middle of chunk 2")
        expectDamaged(Array(whole.dropLast()), says: "in the middle of chunk 2")
        expectDamaged(whole + [0], says: "bytes follow")
    }

    @Test func missingDoubledAndMovedChunksAreFound() throws {
        let whole = try sealed(plain)
        let frame = 4 + (1 << 20) + 16
        let (header, first) = (Array(whole[..<8]), Array(whole[8..<8 + frame]))
        let (second, last) = (Array(whole[8 + frame..<8 + 2 * frame]), Array(whole[(8 + 2 * frame)...]))
        expectDamaged(header + second + last, says: "chunk 0")
        expectDamaged(header + first + last, says: "chunk 1")
        expectDamaged(header + first + first + last, says: "chunk 1")
        expectDamaged(header + second + first + last, says: "chunk 0")
        // A chunk that is not the last cannot be made the last.
        var cut = header + first
        cut[8] |= 0x80
        expectDamaged(cut, says: "chunk 0")
    }

    @Test func anotherBackupsDataIsFound() throws { expectDamaged(try sealed(plain), says: "chunk 0", id: "demo.20261124T104513Z-3f2b") }

    @Test func etcdsChecksumIsChecked() {
        let database = (0..<1024).map { UInt8(truncatingIfNeeded: $0) }
        let snapshot = database + Array(SHA256.hash(data: database))
        func problem(_ bytes: [UInt8], by size: Int) -> String? {
            var digest = SnapshotDigest()
            for start in stride(from: 0, to: bytes.count, by: size) { digest.add(Array(bytes[start..<min(start + size, bytes.count)])) }
            return digest.problem
        }
        for size in [1, 7, 32, 33, 2000] { #expect(problem(snapshot, by: size) == nil) }
        #expect(problem(Array(snapshot.dropLast()), by: 100) != nil)
        #expect(problem(database, by: 100) != nil)
        #expect(problem([], by: 100) != nil)
        var changed = snapshot
        changed[3] ^= 1
        #expect(problem(changed, by: 100)?.contains("checksum") == true)
    }
}
