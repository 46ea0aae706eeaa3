import FleetModel
import LocalSubstrate
import SlipwayTesting
import Substrate
import Testing

@Suite(.serialized) struct LocalIsolationTests {
    /// A TCP connection from a namespace (nil: the host).
    private func connects(from namespace: String?, to address: IPv4Address, port: Int = 443) async throws -> Bool {
        let enter = namespace.map { "ip netns exec \($0) " } ?? ""
        return try await shell("\(enter)timeout 2 bash -c ': </dev/tcp/\(address)/\(port)' 2>/dev/null").isSuccess
    }

    @Test func clustersCannotReachEachOther() async throws {
        try await LocalRegion.with { region in
            for index in 0..<2 {
                try await region.make(region.sleeping("api-1", cluster: index))
                try await region.substrate.ensureLoadBalancer(region.balancer(cluster: index))
            }
            let own = region.networks[0].loadBalancer
            let other = region.networks[1].loadBalancer
            let inside = "\(region.prefix).first.api-1"
            #expect(try await connects(from: inside, to: own), "the trial itself must be able to succeed")
            let fromHost = [try await connects(from: nil, to: own), try await connects(from: nil, to: other)]
            #expect(fromHost == [true, true])
            #expect(try await !connects(from: inside, to: other))
            #expect(try await shell("ip netns exec \(inside) ip route show default").output.isEmpty)
            // An intruder makes himself a way out, and the host forwards.
            #expect(try await shell("ip netns exec \(inside) ip route add default via \(region.networks[0].gateway)").isSuccess)
            let before = try await shell("cat /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv4/ip_forward").output
            let reached = try await connects(from: inside, to: other)
            try await shell("echo \(before) > /proc/sys/net/ipv4/ip_forward")
            #expect(!reached)
        }
    }

    @Test func instancesDoNotReachTheHost() async throws {
        try await LocalRegion.with { region in
            try await region.make(region.sleeping("api-1"))
            let script = """
                import socket, subprocess
                s = socket.socket(); s.bind(("\(region.networks[0].gateway)", 0)); s.listen()
                def reach(prefix):
                    code = "import socket; socket.create_connection((%r, %d), 1)" % s.getsockname()
                    return subprocess.run(prefix + ["/usr/bin/python3", "-c", code], stderr=subprocess.DEVNULL).returncode == 0
                print(reach([]), reach(["ip", "netns", "exec", "\(region.prefix).first.api-1"]))
                """
            #expect(try await shell("/usr/bin/python3 - <<'E'\n\(script)\nE").output == "True False")
        }
    }

    /// What an instance's spec names is open for it alone, and closed again when its spec names it no more.
    @Test func anInstanceReachesWhatItsSpecNames() async throws {
        try await LocalRegion.with { region in
            let gateway = region.networks[0].gateway
            let free = "import socket; s = socket.socket(); s.bind((\"\", 0)); print(s.getsockname()[1])"
            let port = try #require(UInt16(try await shell("/usr/bin/python3 -c '\(free)'").output))
            var spec = region.sleeping("api-1")
            spec.egress = [Egress(host: "\(gateway)", port: port)]
            try await region.make(spec)
            try await region.make(region.sleeping("api-2", address: 1))
            #expect(try await reach(region, gateway, port) == ["api-1"])

            // The rules are written anew from what is recorded: Slipway has started again.
            try await region.substrate.prepare()
            #expect(try await reach(region, gateway, port) == ["api-1"])
            // A name may stand for any address.
            spec.egress = [Egress(host: "issuer.test", port: port)]
            spec.configurationRevision += 1
            try await region.make(spec)
            #expect(try await reach(region, gateway, port) == ["api-1"])
            #expect(try await reach(region, gateway, port &+ 1).isEmpty)

            spec.egress = []
            spec.configurationRevision += 1
            try await region.make(spec)
            #expect(try await reach(region, gateway, port).isEmpty)
            #expect(try await shell("ip netns exec \(region.prefix).first.api-1 ip route show default").output.isEmpty)
            #expect(try await !shell("nft list set inet \(region.prefix) ways").output.contains("elements"))
        }
    }

    /// Which of `api-1` and `api-2` reach a server on the host, that listens meanwhile.
    private func reach(_ region: LocalRegion, _ address: IPv4Address, _ port: UInt16) async throws -> [String] {
        let script = """
            import socket, subprocess
            s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("\(address)", \(port))); s.listen()
            code = "import socket; socket.create_connection(('\(address)', \(port)), 1)"
            for name in ["api-1", "api-2"]:
                enter = ["ip", "netns", "exec", "\(region.prefix).first." + name]
                if subprocess.run(enter + ["/usr/bin/python3", "-c", code], stderr=subprocess.DEVNULL).returncode == 0: print(name)
            """
        let result = try await shell("/usr/bin/python3 - <<'E'\n\(script)\nE")
        try #require(result.isSuccess, "\(result.output)")
        return result.output.split(separator: "\n").map(String.init)
    }

    @Test func foreignSenderAddressesAreDropped() async throws {
        try await LocalRegion.with { region in
            try await region.make(region.sleeping("api-1"))
            let inside = "ip netns exec \(region.prefix).first.api-1"
            let own = region.networks[0].apiServers[0]
            // A route back, so that it is not the kernel's reverse path filter that drops.
            let prepared = try await shell("\(inside) ip addr add 192.168.77.7/32 dev lo && ip route add 192.168.77.7/32 via \(own)")
            #expect(prepared.isSuccess)
            let script = """
                import socket, subprocess
                def arrives(source):
                    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP); s.settimeout(1.5)
                    code = "import socket,struct;s=socket.socket(socket.AF_INET,socket.SOCK_RAW,1);s.bind((%r,0));" % source
                    code += "s.sendto(struct.pack('!BBHHH',8,0,0xffff-(8*256+14),7,7),('\(region.networks[0].gateway)',0))"
                    subprocess.run("\(inside)".split() + ["/usr/bin/python3", "-c", code], check=True)
                    try:
                        while True:
                            if s.recvfrom(2000)[1][0] == source: return True
                    except socket.timeout: return False
                print(arrives("\(own)"), arrives("192.168.77.7"))
                """
            let result = try await shell("/usr/bin/python3 - <<'E'\n\(script)\nE").output
            try await shell("ip route del 192.168.77.7/32")
            #expect(result == "True False")
        }
    }

    @Test func packetsForNobodyFailAtOnce() async throws {
        try await LocalRegion.with { region in
            let result = try await shell("ip route get \(region.substrate.configuration.addressPool[200]) 2>&1")
            #expect(!result.isSuccess && result.output.contains("No route to host"), "\(result)")
        }
    }

    @Test func takenPoolIsSaid() async throws {
        try await LocalRegion.with { region in
            let same = LocalSubstrateConfiguration(
                dataDirectory: region.directory + "/programs/other", runDirectory: region.directory + "/run", regionName: "test-2",
                addressPool: region.substrate.configuration.addressPool)
            let error = await #expect(throws: SubstrateError.self) {
                try await LocalSubstrate(configuration: same, artifacts: region.artifacts).prepare()
            }
            #expect(error?.code == .conflict)
            #expect(error?.message.contains("is taken") == true)
            let findings = await HostCheck(configuration: same).findings(knownClusters: nil)
            #expect(findings.contains { $0.subject == "address pool" && $0.severity == .error })
        }
    }
}
