import FleetModel
import Planning
import Testing

@testable import Fleet

/// Whether others still hear from a member, by what they say they have received.
@Suite struct EtcdPeerTrafficTests {
    private let cluster: ClusterName

    init() throws { cluster = try ClusterName("demo") }

    private func member(_ zone: String) -> ProbeSubject {
        ProbeSubject(cluster: cluster, instance: "etcd-\(zone)", role: .etcd, zone: ZoneName(rawValue: zone))
    }

    /// As etcd 3.5.16 writes it. The gauge says what it said of a member that had been dead for a minute.
    private func page(_ own: String, received: [String: String]) -> EtcdPeersPage {
        var lines = ["# TYPE etcd_network_active_peers gauge"]
        lines += received.keys.map { "etcd_network_active_peers{Local=\"\(own)\",Remote=\"\($0)\"} 1" }
        lines.append("etcd_network_peer_received_bytes_total{From=\"0\"} 5530")
        lines += received.map { "etcd_network_peer_received_bytes_total{From=\"\($0)\"} \($1)" }
        lines.append("etcd_server_id{server_id=\"\(own)\"} 1")
        return EtcdPeersPage(lines.joined(separator: "\n"))
    }

    private func pages(_ leader: String, _ follower: String = "12") -> [ProbeSubject: EtcdPeersPage] {
        [
            member("z-b"): page("b1", received: ["a1": leader, "c1": "9e+06"]),
            member("z-c"): page("c1", received: ["a1": follower, "b1": "7"]),
        ]
    }

    @Test func whoIsNotHeardFromIsLostWhateverTheGaugeSays() {
        var traffic = EtcdPeerTraffic()
        #expect(traffic.view(of: member("z-a"), pages("1.2e+06"), asked: 2, now: .seconds(1)) == nil)
        #expect(traffic.view(of: member("z-a"), pages("1.2e+06"), asked: 2, now: .seconds(4)) == .lost)
    }

    @Test func oneThatHearsFromItIsEnough() {
        var traffic = EtcdPeerTraffic()
        #expect(traffic.view(of: member("z-a"), pages("1200"), asked: 2, now: .seconds(1)) == nil)
        #expect(traffic.view(of: member("z-a"), pages("1900"), asked: 2, now: .seconds(4)) == .connected)
        // Asked about an earlier silence: nothing of that is known now.
        #expect(traffic.view(of: member("z-a"), pages("2400"), asked: 2, now: .seconds(60)) == nil)
    }

    /// Its number is known only by everybody else's having said theirs.
    @Test func whoMayBeMeantIsNotGuessed() {
        var traffic = EtcdPeerTraffic()
        for second in [1, 4] {
            let some = pages("\(second)").filter { $0.key == member("z-b") }
            #expect(traffic.view(of: member("z-a"), some, asked: 2, now: .seconds(second)) == nil)
        }
    }

    /// A follower hears nothing of another one.
    @Test func oneAloneDoesNotSayThatAMemberIsLost() {
        var traffic = EtcdPeerTraffic()
        #expect(traffic.view(of: member("z-a"), pages("1200"), asked: 2, now: .seconds(1)) == nil)
        let follower = pages("1300").filter { $0.key == member("z-c") }
        #expect(traffic.view(of: member("z-a"), follower, asked: 2, now: .seconds(4)) == nil)
    }
}
