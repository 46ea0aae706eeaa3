import Foundation

/// Whether a TCP port can be listened on.
public enum PortCheck {
    /// - Throws: `ServerError` (`taken`) that says who may have it and what to do.
    public static func require(host: String, port: Int, purpose: String, option: String) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(clamping: port)).bigEndian
        // A name is left to the listener itself.
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { return }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard bound != 0 || listen(descriptor, 1) != 0 else { return }
        throw ServerError(
            .taken,
            "Port \(port) on \(host), wanted for \(purpose), is taken (\(String(cString: strerror(errno)))). `ss -ltnp 'sport = :\(port)'` shows by whom; \(option) chooses another."
        )
    }
}
