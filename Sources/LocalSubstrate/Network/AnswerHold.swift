import FleetModel

/// Keeps an API server's answers from clients elsewhere.
struct AnswerHold {
    private static let table = "slipway_answers"

    /// - Parameter address: at which the server listens; a patched instance has another server at the same port.
    static func definition(port: UInt16, at address: IPv4Address, milliseconds: Int) -> String {
        TrafficHold.definition(
            table: table, port: port, milliseconds: milliseconds, hook: "output", match: "ip saddr \(address) tcp sport @held",
            first: "oifname \"lo\" accept")
    }

    static let removal = TrafficHold.removal(table: table)
}
