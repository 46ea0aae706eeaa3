import FleetModel
import Substrate

/// One way out of a cluster's network that is open: from an instance to a port.
struct EgressWay: Hashable, Sendable {
    var source: IPv4Address
    /// One address, or anybody outside of the clusters' networks.
    var destination: IPv4Block
    var port: UInt16

    private static let anybody = IPv4Block(base: IPv4Address(bits: 0), prefixLength: 0)

    /// A name may stand for other addresses tomorrow, so that its port is open to all; and whoever has the name must ask for the
    /// address.
    /// - Parameter nameServers: of the host.
    static func all(from source: IPv4Address, _ egress: [Egress], nameServers: [IPv4Address]) -> Set<EgressWay> {
        var ways: Set<EgressWay> = []
        for way in egress {
            if let address = try? IPv4Address(way.host) {
                ways.insert(EgressWay(source: source, destination: IPv4Block(base: address, prefixLength: 32), port: way.port))
            } else {
                ways.insert(EgressWay(source: source, destination: anybody, port: way.port))
                // It is open then already, and elements of a set must not overlap.
                for server in nameServers where way.port != 53 {
                    ways.insert(EgressWay(source: source, destination: IPv4Block(base: server, prefixLength: 32), port: 53))
                }
            }
        }
        return ways
    }

    /// Of a text in the form of resolv.conf(5). One on the loopback device is another one in each network namespace.
    static func nameServers(_ text: String) -> [IPv4Address] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 2, words[0] == "nameserver", let address = try? IPv4Address(String(words[1])),
                address.bits >> 24 != 127
            else { return nil }
            return address
        }
    }

    /// An element of the set `ways`.
    var element: String { "\(source) . \(destination) . \(port)" }
}
