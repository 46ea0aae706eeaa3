import FleetModel
import Foundation
import Glibc
import LocalSubstrate
import Substrate
import Testing
import Timing

/// What a fence does to TCP, tried with connections of python between two instances.
@Suite(.serialized) struct LocalFenceTests {
    /// Two instances; `listener` of them echoes at port 7000 until the test ends.
    private func with(_ body: (LocalRegion, _ listener: InstanceSpec, _ other: InstanceSpec) async throws -> Void) async throws {
        try await LocalRegion.with(names: ["first"]) { region in
            let specs = [region.sleeping("api-0", address: 0), region.sleeping("api-1", address: 1)]
            for spec in specs { try await region.make(spec) }
            let file = region.directory + "/listener.pid"
            let echo =
                "while True:\n c,_=s.accept()\n threading.Thread(target=lambda c=c:[c.sendall(d) for d in iter(lambda:c.recv(9),b'')]).start()"
            let code = "import socket,threading\ns=socket.create_server(('\(specs[0].address)',7000))\n\(echo)"
            try await shell("\(inside(region, specs[0])) python3 -c \"\(code)\" >/dev/null 2>&1 & echo $! > \(file)")
            defer {
                if let text = try? String(contentsOfFile: file, encoding: .utf8), let id = Int32(text.dropLast()) { kill(id, SIGKILL) }
            }
            _ = try await region.eventually("the listener answers") {
                try await ask(region, specs[1], specs[0].address, "") == "echo" ? true : nil
            }
            try await body(region, specs[0], specs[1])
        }
    }

    private func inside(_ region: LocalRegion, _ spec: InstanceSpec) -> String {
        "nsenter --net=/run/netns/\(region.prefix).\(spec.id.cluster).\(spec.id.name)"
    }

    /// Connects, does what `between` says (a line of shell), and asks again on the same connection: `echo`, or how it failed.
    private func ask(_ region: LocalRegion, _ from: InstanceSpec, _ address: IPv4Address, _ between: String) async throws -> String {
        let code = """
            import socket, subprocess, sys, time
            try:
                c = socket.create_connection(('\(address)', 7000), 3); c.settimeout(8)
                c.sendall(b'one'); c.recv(9)
                if sys.argv[1]: subprocess.run(['bash', '-c', sys.argv[1]], check=True)
                t = time.time(); c.sendall(b'two'); print('echo' if c.recv(9) == b'two' else 'closed')
            except OSError as e: print(type(e).__name__)
            """
        return try await shell("\(inside(region, from)) python3 -c \"\(code)\" '\(between)' 2>&1").output
    }

    @Test func newConnectionsFailAtOnceBothWays() async throws {
        try await with { region, listener, other in
            try await region.substrate.ensureFence([listener.address], of: region.names[0])
            #expect(try await ask(region, other, listener.address, "") == "ConnectionRefusedError")
            // The one behind the fence hears a reset, too, from who could answer.
            #expect(try await ask(region, listener, other.address, "") == "ConnectionRefusedError")
            try await region.substrate.ensureFence([], of: region.names[0])
            #expect(try await ask(region, other, listener.address, "") == "echo")
        }
    }

    @Test func anInstanceMadeMeanwhileHasTheFenceToo() async throws {
        try await with { region, listener, _ in
            try await region.substrate.ensureFence([listener.address], of: region.names[0])
            let late = region.sleeping("api-2", address: 2)
            try await region.make(late)
            #expect(try await ask(region, late, listener.address, "") == "ConnectionRefusedError")
        }
    }

    /// Nothing answers, and a connection waits for it: the fence ends that within a fraction of a second.
    @Test func aWaitingConnectionOfAVanishedPeerIsReset() async throws {
        try await with { region, listener, other in
            let started = region.directory + "/waiting"
            let rules = region.directory + "/hole.nft"
            try "table ip hole { chain input { type filter hook input priority 0; policy drop; }; }\n".write(
                toFile: rules, atomically: true, encoding: .utf8)
            let hole = "\(inside(region, listener)) nft -f \(rules)"
            async let answer = ask(region, other, listener.address, "\(hole) && touch \(started)")
            _ = try await region.eventually("packets vanish") { FileManager.default.fileExists(atPath: started) ? true : nil }
            try await region.substrate.ensureFence([listener.address], of: region.names[0])
            let begun = TimeSource.system.uptime
            #expect(["ConnectionResetError", "ConnectionAbortedError"].contains(try await answer))
            #expect(TimeSource.system.uptime - begun < .seconds(1))
        }
    }
}
