import Crypto
import Glibc

/// SHA-256 of whole files, streamed.
enum FileDigest {
    struct Result: Hashable, Sendable {
        /// Lower-case hexadecimal.
        var sha256: String
        /// Bytes.
        var size: Int64
    }

    static func sha256(of path: String) throws(ReleaseError) -> Result { try stream(path, into: nil) }

    /// Copies a file to a new one and says what was written, so that a source that changes meanwhile does no harm.
    static func copy(_ source: String, to destination: String) throws(ReleaseError) -> Result {
        let descriptor = open(destination, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileSystem.failure("create", destination) }
        defer { close(descriptor) }
        return try stream(source, into: (descriptor, destination))
    }

    private static func stream(_ path: String, into output: (descriptor: Int32, path: String)?) throws(ReleaseError) -> Result {
        let input = open(path, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw FileSystem.failure("read", path) }
        defer { close(input) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        var hash = SHA256()
        var size: Int64 = 0
        while true {
            let count = read(input, buffer.baseAddress, buffer.count)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileSystem.failure("read", path)
            }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            hash.update(bufferPointer: bytes)
            if let output { try write(bytes, to: output) }
            size += Int64(count)
        }
        return Result(sha256: hexadecimal(hash.finalize()), size: size)
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to output: (descriptor: Int32, path: String)) throws(ReleaseError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(output.descriptor, rest.baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw FileSystem.failure("write", output.path)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    static func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Whether `text` is written as a digest is: 64 lower-case hexadecimal digits.
    static func isDigest(_ text: String) -> Bool {
        text.utf8.count == 64 && text.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
