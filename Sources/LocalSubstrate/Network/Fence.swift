import FleetModel

/// The rules of one instance's network namespace that make addresses of its cluster fail at once. One table, replaced as a
/// whole in one transaction.
struct Fence {
    static let table = "slipway_fence"

    /// Nil: the instance is behind the fence itself, or nobody is.
    static func definition(_ addresses: Set<IPv4Address>?) -> String {
        guard let addresses, !addresses.isEmpty else { return "table inet \(table)\ndelete table inet \(table)\n" }
        return """
            table inet \(table)
            delete table inet \(table)
            table inet \(table) {
                set fenced { type ipv4_addr; elements = { \(addresses.sorted().map(\.description).joined(separator: ", ")) }; }
                # Every segment out, a retransmission too, is answered with a reset to our own socket. Our own resets go out: by
                # them the one behind the fence hears that nobody listens.
                chain output {
                    type filter hook output priority filter; policy accept;
                    ip daddr @fenced tcp flags & rst == rst accept
                    ip daddr @fenced meta l4proto tcp counter reject with tcp reset
                    ip daddr @fenced meta l4proto != icmp counter reject
                }
                # The resets that the chain above makes come by the loopback device.
                chain input {
                    type filter hook input priority filter; policy accept;
                    iifname "lo" accept
                    ip saddr @fenced meta l4proto tcp counter reject with tcp reset
                    ip saddr @fenced meta l4proto != icmp counter drop
                }
            }

            """
    }

    /// Arguments of ss(8) that end open connections to these addresses, from within the namespace.
    static func endConnections(_ addresses: Set<IPv4Address>) -> [String] {
        ["-H", "-K", "-t", "-n"] + addresses.sorted().flatMap { ["or", "dst", "\($0)"] }.dropFirst()
    }
}
