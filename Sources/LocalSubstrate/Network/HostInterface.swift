import FleetModel
import Glibc

/// A network interface of the host, read without starting a program.
struct HostInterface {
    let name: String

    static func names() -> [String] { FileTree.names(in: "/sys/class/net") }

    var exists: Bool { FileTree.exists("/sys/class/net/\(name)") }

    var alias: String { FileTree.text("/sys/class/net/\(name)/ifalias") ?? "" }

    /// The bridge that it is a port of.
    var bridge: String? {
        var buffer = [CChar](repeating: 0, count: 512)
        let count = readlink("/sys/class/net/\(name)/master", &buffer, buffer.count)
        guard count > 0 else { return nil }
        let target = String(decoding: buffer[0..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return target.split(separator: "/").last.map(String.init)
    }

    var isUp: Bool { request(0x8913).map { $0[16] & 1 != 0 } ?? false }

    /// Its first IPv4 address.
    var address: IPv4Address? { request(0x8915).map { Self.address($0) } }

    var prefixLength: Int? { request(0x891b).map { Self.address($0).bits.nonzeroBitCount } }

    /// One of the SIOCGIF… calls of netdevice(7); its answer is a `struct ifreq`.
    private func request(_ code: UInt) -> [UInt8]? {
        let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 64)
        for (index, byte) in name.utf8.prefix(15).enumerated() { buffer[index] = byte }
        let result = buffer.withUnsafeMutableBytes { bytes -> Int32 in
            guard let base = bytes.baseAddress else { return -1 }
            return ioctl(descriptor, code, base)
        }
        return result == 0 ? buffer : nil
    }

    private static func address(_ request: [UInt8]) -> IPv4Address {
        IPv4Address(bits: request[20..<24].reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
    }
}
