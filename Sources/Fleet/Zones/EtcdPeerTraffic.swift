import Planning

/// Whether etcd's members still hear from one of them, told by what they have received from it between two looks. A leader hears from
/// each follower, and each follower from its leader, at every heartbeat.
///
/// Not told by `etcd_network_active_peers`: it says 1 for ever when a connection has ended cleanly, and the next attempt hangs.
struct EtcdPeerTraffic {
    private struct Look {
        var at: Duration
        var received: [ProbeSubject: Double]
    }

    /// A member's number in hexadecimal, which it has to have said once.
    private var names: [ProbeSubject: String] = [:]
    private var looks: [ProbeSubject: Look] = [:]

    /// What was received before tells nothing of a silence that began since.
    private static let newest = Duration.seconds(4)

    /// - Parameters:
    ///   - pages: of those that answered.
    ///   - asked: how many were.
    /// - Returns: nil when there is nothing to compare with yet.
    mutating func view(of lost: ProbeSubject, _ pages: [ProbeSubject: EtcdPeersPage], asked: Int, now: Duration) -> PeerView? {
        for (member, page) in pages { if let name = page.serverID { names[member] = name } }
        // One that never said its own number is the one that is nobody else's.
        let others = Set(pages.keys.compactMap { names[$0] })
        var received: [ProbeSubject: Double] = [:]
        for (member, page) in pages {
            // Made anew, a member has another number.
            let known = names[lost].flatMap { page.peers.contains($0) ? $0 : nil }
            let unknown = page.peers.filter { !others.contains($0) }
            if let name = known ?? (others.count == asked && unknown.count == 1 ? unknown[0] : nil) {
                received[member] = page.received[name] ?? 0
            }
        }
        let before = looks.updateValue(Look(at: now, received: received), forKey: lost)
        guard let before, now - before.at <= Self.newest else { return nil }
        let changes = received.compactMap { member, count in before.received[member].map { count > $0 } }
        // A follower hears nothing of another one: only all together know that nobody hears it.
        return changes.contains(true) ? .connected : changes.count == asked ? .lost : nil
    }
}

/// The few lines of etcd's metrics page that speak of its peers (etcd: server/etcdserver/api/rafthttp/metrics.go).
struct EtcdPeersPage {
    /// Of the member that was asked; etcd 3.4 and later (`etcd_server_id`).
    var serverID: String?
    /// The others' numbers.
    var peers: [String] = []
    /// Bytes, by the number of the member that sent them. Etcd's own heartbeats between connections count for nobody.
    var received: [String: Double] = [:]

    init(_ page: String) {
        for line in page.split(separator: "\n") {
            if line.hasPrefix("etcd_network_active_peers{") {
                if let peer = Self.label("Remote", in: line) { peers.append(peer) }
            } else if line.hasPrefix("etcd_network_peer_received_bytes_total{") {
                guard let peer = Self.label("From", in: line), let value = line.split(separator: " ").last.flatMap({ Double($0) }) else {
                    continue
                }
                received[peer] = value
            } else if line.hasPrefix("etcd_server_id{"), line.hasSuffix(" 1") {
                serverID = Self.label("server_id", in: line)
            }
        }
    }

    private static func label(_ name: String, in line: Substring) -> String? {
        guard let start = line.firstRange(of: "\(name)=\"")?.upperBound, let end = line[start...].firstIndex(of: "\"") else { return nil }
        return String(line[start..<end])
    }
}
