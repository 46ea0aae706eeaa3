import FleetModel
import Glibc

/// The TCP sockets of the network namespace that a process is in, also when that has ended since. Looked at without starting a program,
/// which would take the time of processors from whoever is waited for.
final class SocketTable: Sendable {
    private let file: Int32

    /// - Returns: nil when there is no such process.
    init?(of process: Int32) {
        file = open("/proc/\(process)/net/tcp", O_RDONLY | O_CLOEXEC)
        if file < 0 { return nil }
    }

    deinit { close(file) }

    /// `/proc/PID/net/tcp`; empty when it cannot be read.
    var text: String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = pread(file, &chunk, chunk.count, off_t(bytes.count))
            if count <= 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(contentsOf: chunk[0..<count])
        }
    }

    /// Somebody takes connections there.
    static func isTaking(_ text: String, at address: IPv4Address, _ port: UInt16) -> Bool {
        lines(text, address, port).contains { $0[3] == "0A" }
    }

    /// What was said by it has not arrived everywhere yet.
    static func isSending(_ text: String, at address: IPv4Address, _ port: UInt16) -> Bool {
        lines(text, address, port).contains { !$0[4].hasPrefix("00000000:") && $0[3] != "0A" }
    }

    /// After a heading, a line for each socket: its number, both ends, its state, and what waits to be sent and to be read. Ends are
    /// hexadecimal, an address in the machine's order of bytes.
    private static func lines(_ text: String, _ address: IPv4Address, _ port: UInt16) -> [[Substring]] {
        func hex(_ number: some BinaryInteger, _ length: Int) -> String {
            let digits = String(number, radix: 16, uppercase: true)
            return String(repeating: "0", count: length - digits.count) + digits
        }
        let end = "\(hex(address.bits.bigEndian, 8)):\(hex(port, 4))"
        return text.split(separator: "\n").map { $0.split(separator: " ") }.filter { $0.count > 4 && $0[1] == end }
    }
}
