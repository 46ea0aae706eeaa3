import FleetModel

/// The two places for an API server in an instance. In the one it listens at the instance's own address, in the other at an address
/// that exists within the instance's network namespace only.
enum ServerSlot: String, Codable, Sendable {
    case first, second

    var other: ServerSlot { self == .first ? .second : .first }
    /// Of file names.
    var suffix: String { self == .first ? "" : ".b" }

    /// Link-local (RFC 3927), on the loopback device: nobody else ever asks for it.
    static let secondAddress = IPv4Address(bits: 0xa9fe_4702)

    func address(in record: InstanceRecord) -> IPv4Address { self == .first ? record.address : Self.secondAddress }
}

/// The rules of an API server instance's network namespace that say which of its two servers gets new connections. Those that are
/// open stay with who has them: the kernel remembers for each connection where it went.
struct ServerSlots {
    static let table = "slipway_servers"

    var address: IPv4Address
    /// Of both servers, and of who is told nothing of this.
    var port: UInt16
    /// Where Slipway's host reaches the one that gets none.
    var standbyPort: UInt16
    /// Slipway's host, as the instance sees it.
    var host: IPv4Address
    var current: ServerSlot

    /// Changed within the table, and never by a table anew: the kernel forgets all connections when the last rule of this kind goes.
    ///
    /// Only the first segment of a connection is looked at. One that was open before there were any rules would be taken for a new one
    /// with its next segment.
    var definition: String {
        let (now, other) = current == .first ? (address, ServerSlot.secondAddress) : (ServerSlot.secondAddress, address)
        let begins = "tcp flags & (syn | ack) == syn"
        return """
            table ip \(Self.table) {
                chain incoming { type nat hook prerouting priority dstnat; policy accept; }
                chain local { type nat hook output priority -100; policy accept; }
            }
            flush chain ip \(Self.table) incoming
            flush chain ip \(Self.table) local
            add rule ip \(Self.table) incoming ip daddr \(address) tcp dport \(port) \(begins) dnat to \(now):\(port)
            add rule ip \(Self.table) incoming ip saddr \(host) ip daddr \(address) tcp dport \(standbyPort) \(begins) dnat to \(other):\(port)
            add rule ip \(Self.table) local ip daddr \(address) tcp dport \(port) \(begins) dnat to \(now):\(port)

            """
    }

    static let removal = "table ip \(table)\ndelete table ip \(table)\n"
}
