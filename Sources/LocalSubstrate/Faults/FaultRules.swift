import Substrate

/// The nftables rules that make packets vanish on their way to and from instances. They are at the ports of the clusters'
/// bridges, outside of the instances: neither end is told of a packet that is lost. One table a region, replaced as a whole in
/// one transaction; a port is known by its name and need not be there.
///
/// ARP passes: a cloud's network goes on saying where an address is, whether or not anybody is there.
struct FaultRules: Sendable {
    /// The region's prefix.
    let table: String

    struct Port: Equatable, Sendable {
        var link: String
        /// Of packets, 0 to 100; 100 for all.
        var percent: Double
    }

    /// Also right when there is no table, and no port.
    func definition(_ ports: [Port]) -> String {
        var text = destruction
        if ports.isEmpty { return text }
        text += "table bridge \(table) {\n"
        for (chain, priority, direction) in [("prerouting", -350, "iifname"), ("postrouting", 350, "oifname")] {
            text += "chain \(chain) {\ntype filter hook \(chain) priority \(priority); policy accept;\n"
            for port in ports {
                let share = port.percent >= 100 ? "" : "numgen random mod 10000 < \(Int((port.percent * 100).rounded())) "
                text += "\(direction) \"\(port.link)\" meta protocol { ip, ip6 } \(share)drop\n"
            }
            text += "}\n"
        }
        return text + "}\n"
    }

    var destruction: String { "table bridge \(table)\ndelete table bridge \(table)\n" }

    static func port(_ link: String, _ effects: FaultEffects) -> Port? {
        let percent = effects.hasNoPower || effects.isCutOff ? 100 : effects.lossPercent
        return percent > 0 ? Port(link: link, percent: percent) : nil
    }
}
