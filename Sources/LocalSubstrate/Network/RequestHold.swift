import FleetModel

/// Keeps requests from an API server, and tells which ones it has not answered yet.
struct RequestHold {
    private static let table = "slipway_hold"

    static func definition(port: UInt16, milliseconds: Int) -> String {
        TrafficHold.definition(table: table, port: port, milliseconds: milliseconds, hook: "input", match: "tcp dport @held")
    }

    static let removal = TrafficHold.removal(table: table)

    /// A request that came as late as the last answer went is taken for an open one for this time, in milliseconds: the kernel tells
    /// times in steps of some milliseconds.
    private static let doubt = 300
    /// Those that look at a connection's ages, `ss -tinHO`.
    static func connections(port: UInt16, at address: IPv4Address? = nil) -> [String] {
        ["ss", "-tinHO", "state", "established", filter(port, address)]
    }
    /// Says nothing when nobody listens.
    static func listeners(port: UInt16, at address: IPv4Address) -> [String] { ["ss", "-tlnHO", filter(port, address)] }

    private static func filter(_ port: UInt16, _ address: IPv4Address?) -> String {
        "( sport = :\(port)\(address.map { " and src \($0)" } ?? "") )"
    }

    /// The other ends of those connections by which a request has come that is not answered yet. The instance's own, such as the
    /// controller manager's, do not count: who asks them asks again.
    /// - Parameter sockets: `ss -tinHO`, a line each: two queues, both ends, and more. `lastrcv` and `lastsnd` are milliseconds since data
    ///   came and went, and missing when that is zero.
    /// - Parameter own: the instance's address. A server that has taken over listens at another one.
    /// - Parameter memory: what came this long ago, in milliseconds, and was answered by nothing was no request (HTTP/2 has words that want
    ///   no answer), or one that is not waited for.
    static func openRequests(sockets: String, own: IPv4Address, memory: Int = 500) -> Set<Substring> {
        let own = Set(([own] + ServerSlot.standbys.compactMap(\.privateAddress)).map(\.description))
        let open = sockets.split(separator: "\n").compactMap { line -> Substring? in
            let words = line.split(separator: " ")
            guard words.count > 3, !own.contains(String(address(words[3]))) else { return nil }
            func age(_ name: String) -> Int {
                words.lazy.compactMap { $0.hasPrefix(name) ? Int($0.dropFirst(name.count)) : nil }.first ?? 0
            }
            let (received, sent) = (age("lastrcv:"), age("lastsnd:"))
            guard received < memory else { return nil }
            return received < sent || received == sent && received < doubt ? words[3] : nil
        }
        return Set(open)
    }

    private static func address(_ end: Substring) -> Substring { end.lastIndex(of: ":").map { end[..<$0] } ?? end }
}
