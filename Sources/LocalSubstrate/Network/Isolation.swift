import FleetModel
import Substrate

/// The nftables rules that keep clusters' networks apart. One table a region, replaced as a whole or by elements, each
/// time in one transaction.
struct Isolation: Sendable {
    /// The region's prefix.
    let table: String

    /// The whole table, for these networks.
    func definition(_ networks: [(bridge: String, block: IPv4Block)]) -> String {
        """
        table inet \(table)
        delete table inet \(table)
        table inet \(table) {
            set bridges { type ifname; }
            set same { type ifname . ifname; }
            set sources { type ifname . ipv4_addr; flags interval; }
            # A sender says its own cluster's addresses or is not heard.
            chain prerouting {
                type filter hook prerouting priority raw; policy accept;
                iifname @bridges meta nfproto ipv6 drop
                iifname @bridges meta nfproto ipv4 iifname . ip saddr != @sources drop
            }
            # Nothing is routed from or to a cluster's network. (Inside one, frames come here only with br_netfilter.)
            chain forward {
                type filter hook forward priority filter; policy accept;
                iifname . oifname @same accept
                iifname @bridges drop
                oifname @bridges drop
            }
            # The host reaches instances; they do not reach the host.
            chain input {
                type filter hook input priority filter; policy accept;
                iifname @bridges ct state established,related accept
                iifname @bridges meta l4proto icmp accept
                iifname @bridges drop
            }
        }

        """ + networks.map { elements("add", $0.bridge, $0.block) }.joined()
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
