import FleetModel
import Foundation
import Glibc
import LocalSubstrate
import SlipwayTesting
import Substrate
import Testing

@Suite(.serialized) struct LocalLoadBalancerTests {
    /// Says its address; `/readyz` answers as a file says; `/hang` never ends.
    private static let server = """
        #!/usr/bin/python3
        import http.server, ssl, sys, time
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                ready = open("ready").read()
                if self.path == "/readyz":
                    self.send_response(200 if ready == "ok" else 500); self.end_headers()
                    self.wfile.write(ready.encode())
                    return
                self.send_response(200); self.end_headers()
                self.wfile.write(sys.argv[1].encode())
                while self.path == "/hang": self.wfile.write(b"."); self.wfile.flush(); time.sleep(0.05)
            def log_message(self, *words): pass
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain("tls.pem")
        server = http.server.ThreadingHTTPServer((sys.argv[1], 6443), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.serve_forever()
        """

    /// Two API servers that are none, and a load balancer in front of them.
    private func with(_ body: (LocalRegion, LoadBalancerSpec) async throws -> Void) async throws {
        try await LocalRegion.with(names: ["first"]) { region in
            let program = region.directory + "/programs/server"
            try Self.server.write(toFile: program, atomically: true, encoding: .utf8)
            let pem = region.directory + "/programs/tls.pem"
            let made = try await shell(
                "chmod 755 \(program); cd \(region.directory)/programs; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
                    + "-keyout key.pem -out ca.pem -subj /CN=test -days 2 2>/dev/null && cat ca.pem key.pem > \(pem)")
            #expect(made.isSuccess)
            let artifact = try region.artifacts.add(program, name: "server")
            var balancer = region.balancer()
            balancer.certificateAuthority = try String(contentsOfFile: region.directory + "/programs/ca.pem", encoding: .utf8)
            for index in 0..<2 {
                var spec = region.sleeping("api-\(index)", address: index)
                spec.components = [ComponentSpec(kind: .apiServer, artifact: artifact, arguments: ["\(spec.address)"])]
                spec.files = [
                    InstanceFile(path: "tls.pem", content: try String(contentsOfFile: pem, encoding: .utf8)),
                    InstanceFile(path: "ready", content: "ok"),
                ]
                try await region.make(spec)
                balancer.backends.append(.init(name: spec.id.name, address: spec.address, admission: .ready))
            }
            try await region.substrate.ensureLoadBalancer(balancer)
            try await body(region, balancer)
        }
    }

    private func backends(_ region: LocalRegion) async throws -> [String: LoadBalancerObservation.Backend] {
        let seen = try await region.substrate.observe(region.names[0]).loadBalancer?.backends ?? []
        return Dictionary(uniqueKeysWithValues: seen.map { ($0.name, $0) })
    }

    private func healthy(_ region: LocalRegion, _ names: [String]) async throws {
        _ = try await region.eventually("healthy: \(names)") {
            try await backends(region).values.filter(\.isHealthy).map(\.name).sorted() == names ? true : nil
        }
    }

    /// Who answers at the endpoint, asked ten times.
    private func answering(_ region: LocalRegion) async throws -> Set<String> {
        let loop = "for i in 1 2 3 4 5 6 7 8 9 10; do curl -sk --max-time 5 https://\(region.networks[0].loadBalancer)/; echo; done"
        return Set(try await shell(loop).output.split(separator: "\n").map(String.init))
    }

    @Test func followsHealth() async throws {
        try await with { region, balancer in
            let addresses = balancer.backends.map { "\($0.address)" }
            try await healthy(region, ["api-0", "api-1"])
            #expect(try await answering(region) == Set(addresses))
            let id = InstanceID(cluster: region.names[0], name: "api-0")
            try await region.substrate.writeFiles([InstanceFile(path: "ready", content: Self.etcdFails)], to: id)
            try await healthy(region, ["api-1"])
            #expect(try await answering(region) == [addresses[1]])
            try await region.substrate.writeFiles([InstanceFile(path: "ready", content: "ok")], to: id)
            try await healthy(region, ["api-0", "api-1"])
            try await region.substrate.removeInstance(id)
            try await healthy(region, ["api-1"])
            #expect(try await answering(region) == [addresses[1]])
        }
    }

    private static let pluginFails = "[+]ping ok\n[-]kms-provider-0 failed: reason withheld\n[+]etcd ok\nreadyz check failed\n"
    private static let etcdFails =
        "[+]ping ok\n[-]kms-provider-0 failed: reason withheld\n[-]etcd failed: reason withheld\nreadyz check failed\n"

    /// An API server without its KMS plugin serves most of what it is asked, and all of them may be without.
    @Test func aFailedKMSPluginAloneTakesNobodyOut() async throws {
        try await with { region, balancer in
            try await healthy(region, ["api-0", "api-1"])
            let ids = ["api-0", "api-1"].map { InstanceID(cluster: region.names[0], name: $0) }
            for id in ids { try await region.substrate.writeFiles([InstanceFile(path: "ready", content: Self.pluginFails)], to: id) }
            // The balancer acts on what fails; so it is given something that does, and by then has asked the other one as well.
            try await region.substrate.writeFiles([InstanceFile(path: "ready", content: Self.etcdFails)], to: ids[0])
            try await healthy(region, ["api-1"])
            #expect(try await answering(region) == ["\(balancer.backends[1].address)"])
            try await region.substrate.writeFiles([InstanceFile(path: "ready", content: Self.pluginFails)], to: ids[0])
            try await healthy(region, ["api-0", "api-1"])
        }
    }

    /// Checks that fail everywhere say nothing about who could serve: then everybody who is not drained or closed gets sessions.
    @Test func withoutAHealthyBackendTheOthersServe() async throws {
        try await with { region, balancer in
            try await healthy(region, ["api-0", "api-1"])
            let addresses = balancer.backends.map { "\($0.address)" }
            for backend in balancer.backends {
                let id = InstanceID(cluster: region.names[0], name: backend.name)
                try await region.substrate.writeFiles([InstanceFile(path: "ready", content: Self.etcdFails)], to: id)
            }
            try await healthy(region, [])
            #expect(try await answering(region) == Set(addresses))
            var changed = balancer
            changed.backends[0].admission = .closed
            try await region.substrate.ensureLoadBalancer(changed)
            #expect(try await answering(region) == [addresses[1]])
            let id = InstanceID(cluster: region.names[0], name: balancer.backends[1].name)
            try await region.substrate.writeFiles([InstanceFile(path: "ready", content: "ok")], to: id)
            try await healthy(region, ["api-1"])
            #expect(try await answering(region) == [addresses[1]])
        }
    }

    @Test func trustsOnlyTheClustersCA() async throws {
        try await with { region, balancer in
            try await healthy(region, ["api-0", "api-1"])
            var other = balancer
            other.certificateAuthority = SubstrateFixtures.certificateAuthority
            try await region.substrate.ensureLoadBalancer(other)
            try await healthy(region, [])
        }
    }

    /// As in a rotation: from one authority to two, to the other. HAProxy goes on, and so does who is connected.
    @Test func otherAuthoritiesEndNoSession() async throws {
        try await with { region, balancer in
            try await healthy(region, ["api-0", "api-1"])
            let programs = region.directory + "/programs"
            let made = try await shell(
                "cd \(programs); openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout next.key -out next.pem "
                    + "-subj /CN=next -days 2 2>/dev/null && cat next.pem next.key > next-tls.pem; "
                    + "curl -skN https://\(balancer.address)/hang > /dev/null 2>&1 & echo $! > \(programs)/hang.pid; sleep 0.5")
            #expect(made.isSuccess)
            func file(_ name: String) throws -> String { try String(contentsOfFile: "\(programs)/\(name)", encoding: .utf8) }
            let client = try #require(Int32(try file("hang.pid").trimmingCharacters(in: .whitespacesAndNewlines)))
            defer { kill(client, SIGKILL) }
            let next = try file("next.pem")

            var both = balancer
            both.certificateAuthority += next
            both.trustRevision = 1
            // It may be told again.
            for _ in 0..<2 { try await region.substrate.ensureLoadBalancer(both) }
            #expect(try await region.substrate.observe(region.names[0]).loadBalancer?.trustRevision == 1)
            try await healthy(region, ["api-0", "api-1"])
            var spec = region.sleeping("api-2", address: 2)
            let program = try region.artifacts.add("\(programs)/server", name: "server")
            spec.components = [ComponentSpec(kind: .apiServer, artifact: program, arguments: ["\(spec.address)"])]
            spec.files = [InstanceFile(path: "tls.pem", content: try file("next-tls.pem")), InstanceFile(path: "ready", content: "ok")]
            try await region.make(spec)
            both.backends.append(.init(name: "api-2", address: spec.address, admission: .ready))
            try await region.substrate.ensureLoadBalancer(both)
            try await healthy(region, ["api-0", "api-1", "api-2"])
            #expect(isRunning(client))

            var last = both
            last.certificateAuthority = next
            last.trustRevision = 2
            last.backends.removeFirst(2)
            try await region.substrate.ensureLoadBalancer(last)
            try await healthy(region, ["api-2"])
            // Also where backends of before were.
            spec = region.sleeping("api-3", address: 3)
            spec.components = [ComponentSpec(kind: .apiServer, artifact: program, arguments: ["\(spec.address)"])]
            spec.files = [InstanceFile(path: "tls.pem", content: try file("next-tls.pem")), InstanceFile(path: "ready", content: "ok")]
            try await region.make(spec)
            last.backends.append(.init(name: "api-3", address: spec.address, admission: .ready))
            try await region.substrate.ensureLoadBalancer(last)
            try await healthy(region, ["api-2", "api-3"])
        }
    }

    @Test func drainedBackendKeepsItsSessionsAndClosedOneLosesThem() async throws {
        try await with { region, balancer in
            try await healthy(region, ["api-0", "api-1"])
            let file = region.directory + "/programs/hang.pid"
            let hang = "curl -skN https://\(balancer.address)/hang > /dev/null 2>&1 & echo $! > \(file)"
            _ = try await shell(hang)
            let client = try #require(
                Int32(try String(contentsOfFile: file, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)))
            defer { kill(client, SIGKILL) }
            let busy = try await region.eventually("a session is open") {
                // Health checks are no sessions.
                try await backends(region).values.first { $0.openSessions == 1 }?.name
            }
            let index = try #require(balancer.backends.firstIndex { $0.name == busy })
            var changed = balancer
            changed.backends[index].admission = .drain
            try await region.substrate.ensureLoadBalancer(changed)
            #expect(try await backends(region)[busy]?.admission == .drain)
            #expect(try await answering(region) == ["\(balancer.backends[1 - index].address)"])
            #expect(isRunning(client))
            #expect(try await backends(region)[busy]?.openSessions == 1)
            changed.backends[index].admission = .closed
            try await region.substrate.ensureLoadBalancer(changed)
            _ = try await region.eventually("the session is closed") { isRunning(client) ? nil : true }
            #expect(try await backends(region)[busy]?.openSessions == 0)
            try await region.substrate.ensureLoadBalancer(balancer)
            try await healthy(region, ["api-0", "api-1"])
            #expect(try await answering(region).count == 2)
        }
    }

    @Test func crashedBalancerComesBackAsItWas() async throws {
        try await with { region, balancer in
            var changed = balancer
            changed.backends[0].admission = .closed
            changed.backends[1].admission = .drain
            try await region.substrate.ensureLoadBalancer(changed)
            let old = try await shell("ps -eo pid,args | grep -F 'haproxy -db -f \(region.directory)' | grep -v grep | awk '{print $1}'")
                .output
            kill(try #require(Int32(old)), SIGKILL)
            _ = try await region.eventually("it is down") { isRunning(Int32(old) ?? 0) ? nil : true }
            _ = try await region.eventually("it is back") {
                try await region.substrate.observe(region.names[0]).loadBalancer?.state == .running ? true : nil
            }
            let seen = try await backends(region)
            #expect(seen["api-0"]?.admission == .closed)
            #expect(seen["api-1"]?.admission == .drain)
            try await region.substrate.ensureLoadBalancer(balancer)
            try await healthy(region, ["api-0", "api-1"])
            #expect(try await answering(region).count == 2)
        }
    }
}
