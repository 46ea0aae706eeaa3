/// The rules of a network namespace that hold what passes to or from one port. One table, replaced as a whole in one transaction.
enum TrafficHold {
    /// Segments with content are dropped and sent again by their senders, until the element of the set expires. What is shorter has
    /// none: acknowledgements, window updates, the end of a connection.
    ///
    /// Handshakes pass (TLS records of the types 20 and 22; TCP headers with a time stamp and without): HAProxy gives those of its health
    /// checks no longer than its interval of half a second, and two that fail would end all sessions.
    /// - Parameters:
    ///   - hook: `input` or `output`.
    ///   - match: what is held, a part of a rule that names the set `held`, which has the port.
    ///   - first: a rule that is asked before all others.
    static func definition(
        table: String, port: UInt16, milliseconds: Int, hook: String, match: String, first: String? = nil
    ) -> String {
        """
        table inet \(table)
        delete table inet \(table)
        table inet \(table) {
            set held { type inet_service; flags timeout; elements = { \(port) timeout \(milliseconds)ms }; }
            chain \(hook) {
                type filter hook \(hook) priority filter; policy accept;
                \(first ?? "")
                \(match) tcp doff 8 @th,256,8 { 0x14, 0x16 } accept
                \(match) tcp doff 5 @th,160,8 { 0x14, 0x16 } accept
                \(match) meta length > 100 drop
            }
        }

        """
    }

    static func removal(table: String) -> String { "table inet \(table)\ndelete table inet \(table)\n" }
}
