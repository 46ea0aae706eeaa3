import FleetModel

/// The places for an API server in an instance: the first is for the one that it is made with, which listens at the instance's own
/// address; the others take turns, and listen at addresses that exist within the instance's network namespace only.
///
/// Never back to the first: an API server is its own client, at the address at which it listens, and what goes to the instance's
/// address from within goes to who serves. (The one that leaves the first place keeps the connections to itself that it has.)
enum ServerSlot: String, Codable, Sendable {
    case first, second, third

    /// For the standby of one that runs here.
    var next: ServerSlot { self == .second ? .third : .second }

    /// Of file names.
    var suffix: String {
        switch self {
        case .first: ""
        case .second: ".b"
        case .third: ".c"
        }
    }

    /// Link-local (RFC 3927), on the loopback device: nobody else ever asks for it. Nil: the instance's own.
    var privateAddress: IPv4Address? {
        switch self {
        case .first: nil
        case .second: IPv4Address(bits: 0xa9fe_4702)
        case .third: IPv4Address(bits: 0xa9fe_4703)
        }
    }

    /// At which Slipway's host reaches it while it is a standby, at the instance's address. One for each: a connection that the host
    /// keeps open leads to who listens there, or to nobody.
    var standbyPort: UInt16? {
        switch self {
        case .first: nil
        case .second: 6444
        case .third: 6445
        }
    }

    static let standbys: [ServerSlot] = [.second, .third]
}

/// The rules of an API server instance's network namespace that say which of its servers gets new connections. Those that are open
/// stay with who has them: the kernel remembers for each connection where it went.
struct ServerSlots {
    static let table = "slipway_servers"

    var address: IPv4Address
    /// Of all servers, and of who is told nothing of this.
    var port: UInt16
    /// Slipway's host, as the instance sees it.
    var host: IPv4Address
    var current: ServerSlot

    /// Changed within the table, and never by a table anew: the kernel forgets all connections when the last rule of this kind goes.
    ///
    /// Only the first segment of a connection is looked at. One that was open before there were any rules would be taken for a new one
    /// with its next segment.
    var definition: String {
        func rule(_ chain: String, _ from: String, _ port: UInt16, _ slot: ServerSlot) -> String {
            let to = "\(slot.privateAddress ?? address):\(self.port)"
            return "add rule ip \(Self.table) \(chain) \(from)ip daddr \(address) tcp dport \(port) "
                + "tcp flags & (syn | ack) == syn dnat to \(to)\n"
        }
        let doors = ServerSlot.standbys.map { slot in slot.standbyPort.map { rule("incoming", "ip saddr \(host) ", $0, slot) } ?? "" }
        return """
            table ip \(Self.table) {
                chain incoming { type nat hook prerouting priority dstnat; policy accept; }
                chain local { type nat hook output priority -100; policy accept; }
            }
            flush chain ip \(Self.table) incoming
            flush chain ip \(Self.table) local

            """ + rule("incoming", "", port, current) + rule("local", "", port, current) + doors.joined()
    }

    static let removal = "table ip \(table)\ndelete table ip \(table)\n"
}
