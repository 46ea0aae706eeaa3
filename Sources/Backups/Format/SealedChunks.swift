import Crypto
import Foundation

/// How a snapshot becomes a sealed object, and back.
///
/// | bytes | what |
/// |---|---|
/// | 8 | `SLIPWAY1` |
/// | 4 | big-endian length of the chunk that follows, its tag included; the highest bit is set on the last chunk |
/// | … | the chunk, AES-256-GCM: up to 1 MiB of snapshot and a tag of 16 bytes |
/// | … | the next chunk, and so on to the last |
///
/// Each backup has a data key of its own. The nonce is the chunk's number, and the associated data is the backup's ID, the
/// chunk's number and whether it is the last: a chunk that is changed, moved, left out, doubled or put into another backup does
/// not open, and an end that comes too soon or too late is seen.
enum SealedChunks {
    static let magic = Array("SLIPWAY1".utf8)
    static let chunkSize = 1 << 20
    static let tagSize = 16
    static let lastMark: UInt32 = 1 << 31

    static func nonce(_ index: UInt64) throws -> AES.GCM.Nonce { try AES.GCM.Nonce(data: [0, 0, 0, 0] + bigEndian(index)) }

    static func associatedData(_ id: String, _ index: UInt64, isLast: Bool) -> [UInt8] {
        Array("slipway-backup/1/\(id)/".utf8) + bigEndian(index) + [isLast ? 1 : 0]
    }

    static func bigEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}

/// Seals a snapshot chunk by chunk. Holds one chunk.
struct ChunkSealer {
    let id: String
    let key: SymmetricKey
    private var buffer: [UInt8] = []
    private var index: UInt64 = 0

    init(id: String, key: SymmetricKey) {
        self.id = id
        self.key = key
    }

    /// What an object begins with.
    var header: [UInt8] { SealedChunks.magic }

    /// The chunks that `bytes` complete.
    mutating func add(_ bytes: [UInt8]) throws -> [UInt8] {
        buffer += bytes
        var out: [UInt8] = []
        // A full chunk waits until more comes: it may be the last.
        while buffer.count > SealedChunks.chunkSize {
            out += try seal(Array(buffer.prefix(SealedChunks.chunkSize)), isLast: false)
            buffer.removeFirst(SealedChunks.chunkSize)
        }
        return out
    }

    /// The last chunk.
    mutating func finish() throws -> [UInt8] {
        let out = try seal(buffer, isLast: true)
        buffer = []
        return out
    }

    private mutating func seal(_ plain: [UInt8], isLast: Bool) throws -> [UInt8] {
        let box = try AES.GCM.seal(
            plain, using: key, nonce: try SealedChunks.nonce(index),
            authenticating: SealedChunks.associatedData(id, index, isLast: isLast))
        index += 1
        let length = UInt32(plain.count + SealedChunks.tagSize) | (isLast ? SealedChunks.lastMark : 0)
        return SealedChunks.bigEndian(length) + box.ciphertext + box.tag
    }
}

/// Opens what `ChunkSealer` sealed. Holds one chunk; what it has given out is authentic, but only `finish` says that it was all.
struct ChunkOpener {
    let id: String
    let key: SymmetricKey
    private var buffer: [UInt8] = []
    private var index: UInt64 = 0
    /// Where in the object the next chunk begins.
    private var offset: Int64 = 0
    private var hasHeader = false
    private var isOver = false

    init(id: String, key: SymmetricKey) {
        self.id = id
        self.key = key
    }

    /// The bytes of the chunks that `bytes` complete.
    /// - Throws: `BackupError` (`damaged`) naming the chunk and where it is.
    mutating func add(_ bytes: [UInt8]) throws -> [UInt8] {
        buffer += bytes
        var out: [UInt8] = []
        var used = 0
        if !hasHeader {
            guard buffer.count >= SealedChunks.magic.count else { return [] }
            guard buffer.starts(with: SealedChunks.magic) else { throw damaged("it does not begin as a sealed snapshot does") }
            hasHeader = true
            used = SealedChunks.magic.count
            offset = Int64(used)
        }
        while buffer.count - used > 0 {
            guard !isOver else { throw damaged("bytes follow its last chunk, which ends at byte \(offset)") }
            guard buffer.count - used >= 4 else { break }
            let word = buffer[used..<used + 4].reduce(0 as UInt32) { $0 << 8 | UInt32($1) }
            let (length, isLast) = (Int(word & ~SealedChunks.lastMark), word & SealedChunks.lastMark != 0)
            guard length >= SealedChunks.tagSize, length <= SealedChunks.chunkSize + SealedChunks.tagSize,
                isLast || length == SealedChunks.chunkSize + SealedChunks.tagSize
            else { throw damaged("the length of chunk \(index) at byte \(offset) is not possible") }
            guard buffer.count - used >= 4 + length else { break }
            out += try open(Array(buffer[used + 4..<used + 4 + length]), isLast: isLast)
            used += 4 + length
            offset += Int64(4 + length)
            index += 1
            isOver = isLast
        }
        buffer.removeFirst(used)
        return out
    }

    private func open(_ sealed: [UInt8], isLast: Bool) throws -> [UInt8] {
        do {
            let split = sealed.count - SealedChunks.tagSize
            let box = try AES.GCM.SealedBox(nonce: try SealedChunks.nonce(index), ciphertext: sealed[..<split], tag: sealed[split...])
            return [UInt8](
                try AES.GCM.open(box, using: key, authenticating: SealedChunks.associatedData(id, index, isLast: isLast)))
        } catch {
            throw damaged(
                "chunk \(index), bytes \(offset) to \(offset + Int64(sealed.count) + 3), was changed or is not the one that belongs there")
        }
    }

    /// - Throws: `BackupError` (`damaged`) when the end came too soon.
    func finish() throws {
        guard hasHeader else { throw damaged("it ends after \(buffer.count) bytes, before anything of a snapshot") }
        guard isOver else {
            let place = buffer.isEmpty ? "after chunk \(Int64(index) - 1)" : "in the middle of chunk \(index)"
            throw damaged("it ends at byte \(offset + Int64(buffer.count)), \(place), and its last chunk is missing")
        }
    }

    private func damaged(_ what: String) -> BackupError { BackupError(.damaged, "Backup \(id) is damaged: \(what).") }
}
