import FleetModel
import Substrate

/// The nftables rules that keep clusters' networks apart. One table a region, replaced as a whole or by elements, each
/// time in one transaction.
struct Isolation: Sendable {
    /// The region's prefix.
    let table: String

    /// The whole table, for these networks and ways out of them.
    func definition(_ networks: [(bridge: String, block: IPv4Block)], _ ways: Set<EgressWay>) -> String {
        """
        table inet \(table)
        delete table inet \(table)
        table inet \(table) {
            set bridges { type ifname; }
            set same { type ifname . ifname; }
            set sources { type ifname . ipv4_addr; flags interval; }
            set ways { type ipv4_addr . ipv4_addr . inet_service; flags interval; }
            # A sender says its own cluster's addresses or is not heard.
            chain prerouting {
                type filter hook prerouting priority raw; policy accept;
                iifname @bridges meta nfproto ipv6 drop
                iifname @bridges meta nfproto ipv4 iifname . ip saddr != @sources drop
            }
            # Nothing is routed from or to a cluster's network, but what an instance must reach and what is answered. (Inside a
            # network, frames come here only with br_netfilter.)
            chain forward {
                type filter hook forward priority filter; policy accept;
                iifname . oifname @same accept
                iifname @bridges oifname != @bridges \(Self.isWay) accept
                iifname != @bridges oifname @bridges ct state established,related accept
                iifname @bridges drop
                oifname @bridges drop
            }
            # The host reaches instances; they do not reach the host, but where they must.
            chain input {
                type filter hook input priority filter; policy accept;
                iifname @bridges ct state established,related accept
                iifname @bridges meta l4proto icmp accept
                iifname @bridges \(Self.isWay) accept
                iifname @bridges drop
            }
        }

        """ + networks.map { elements("add", $0.bridge, $0.block) }.joined() + (ways.isEmpty ? "" : opening(ways))
    }

    private static let isWay = "meta l4proto { tcp, udp } ip saddr . ip daddr . th dport @ways"

    /// These ways and no others. Who is outside knows the host's address only, so that answers come back; kernels without
    /// address translation are no trouble until somebody needs it.
    func opening(_ ways: Set<EgressWay>) -> String {
        var text = "flush set inet \(table) ways\n"
        guard !ways.isEmpty else { return text }
        text += """
            add chain inet \(table) leaving { type nat hook postrouting priority srcnat; policy accept; }
            flush chain inet \(table) leaving
            add rule inet \(table) leaving oifname != @bridges \(Self.isWay) masquerade
            add element inet \(table) ways { \(ways.map(\.element).sorted().joined(separator: ", ")) }

            """
        return text
    }

    func addition(_ bridge: String, _ block: IPv4Block) -> String { elements("add", bridge, block) }

    /// Adds first, so that what is not there is no error.
    func removal(_ bridge: String, _ block: IPv4Block) -> String { elements("add", bridge, block) + elements("delete", bridge, block) }

    var destruction: String { "table inet \(table)\ndelete table inet \(table)\n" }

    private func elements(_ verb: String, _ bridge: String, _ block: IPv4Block) -> String {
        """
        \(verb) element inet \(table) bridges { "\(bridge)" }
        \(verb) element inet \(table) same { "\(bridge)" . "\(bridge)" }
        \(verb) element inet \(table) sources { "\(bridge)" . \(block) }

        """
    }
}
