/// The rules of an API server's network namespace that hold requests. One table, replaced as a whole in one transaction.
struct RequestHold {
    static let table = "slipway_hold"

    /// Segments with a request in them are dropped and sent again by their senders, until the element of the set expires. What is
    /// shorter is no request: acknowledgements, window updates, the end of a connection.
    static func definition(port: UInt16, milliseconds: Int) -> String {
        """
        table inet \(table)
        delete table inet \(table)
        table inet \(table) {
            counter answered { }
            set held { type inet_service; flags timeout; elements = { \(port) timeout \(milliseconds)ms }; }
            chain input {
                type filter hook input priority filter; policy accept;
                tcp dport @held meta length > 100 drop
            }
            chain output {
                type filter hook output priority filter; policy accept;
                tcp sport \(port) meta length > 100 counter name answered
            }
        }

        """
    }

    static let removal = "table inet \(table)\ndelete table inet \(table)\n"

    /// Packets, from `nft list counter`: `counter answered { packets 12 bytes 3456 }` over several lines.
    static func packets(_ text: String) -> Int? {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard let place = words.firstIndex(of: "packets"), place + 1 < words.count else { return nil }
        return Int(words[place + 1])
    }
}
