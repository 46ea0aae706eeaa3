import FleetModel
import Glibc
import Substrate

/// HAProxy's runtime interface ("9.3. Unix Socket commands" of its management guide). Blocks, for two seconds at most.
struct HAProxySocket {
    let path: String

    /// Says commands on one connection and returns all that is answered.
    /// - Throws: `SubstrateError` (`unavailable`) when nobody answers.
    func say(_ commands: [String]) throws -> String {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw silent() }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 2, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SubstrateError(.failed, "The path \(path) is too long for a Unix socket; choose a shorter run directory.")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard connected == 0 else { throw silent() }
        let line = Array((commands.joined(separator: "; ") + "\n").utf8)
        let sent = line.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard sent == line.count else { throw silent() }
        var answer: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count == 0 { return String(decoding: answer, as: UTF8.self) }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw silent()
            }
            answer.append(contentsOf: chunk[0..<count])
        }
    }

    private func silent() -> SubstrateError {
        SubstrateError(.unavailable, "HAProxy does not answer at \(path): \(String(cString: strerror(errno))).")
    }

    /// One row of `show stat`.
    struct Row: Equatable {
        var proxy: String
        var server: String
        var status: String
        var checkStatus: String
        var sessions: Int
        var address: String
        var weight: Int
    }

    static func rows(_ csv: String) -> [Row] {
        let lines = csv.split(separator: "\n")
        guard let start = lines.firstIndex(where: { $0.hasPrefix("# pxname") }) else { return [] }
        let columns = lines[start].dropFirst(2).split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        let places = Dictionary(zip(columns, columns.indices), uniquingKeysWith: { first, _ in first })
        return lines[(start + 1)...].map { line in
            let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            func cell(_ name: String) -> String { places[name].flatMap { $0 < cells.count ? cells[$0] : nil } ?? "" }
            return Row(
                proxy: cell("pxname"), server: cell("svname"), status: cell("status"), checkStatus: cell("check_status"),
                sessions: Int(cell("scur")) ?? 0, address: cell("addr"), weight: Int(cell("weight")) ?? 0)
        }
    }
}
