import Foundation
import Testing

/// Clients that write numbers through a cluster's endpoint without pause and know what was acknowledged: `bench/numbered.py`.
struct NumberedWrites: Decodable {
    struct Loss: Decodable {
        var key: Int
        var acknowledged: Int
        var found: Int?
    }

    struct Retreat: Decodable {
        var key: Int
        var seen: Int
        var then: Int
    }

    var total: Int
    var failed: Int
    /// Took longer than 1 s.
    var slow: Int
    /// Seconds.
    var longest: Double
    /// From the first request that failed or was slow to the end of the last.
    var troubleSeconds: Double
    var acknowledged: Int
    /// Acknowledged writes that were not there in the end.
    var lost: [Loss]
    /// Reads that saw less than was seen before.
    var backwards: [Retreat]

    /// What a loss is said with.
    var summary: String {
        "\(acknowledged) acknowledged of \(total), \(failed) failed, \(slow) slow, longest \(longest) s; \(lost) \(backwards)"
    }

    private static let program = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "bench/numbered.py").path

    /// Writes and reads while `body` runs, and then looks whether everything acknowledged is there and nothing went backwards.
    /// - Parameters:
    ///   - clients: as many writers, and as many readers.
    ///   - kubeconfig: with certificates, as `slipway cluster kubeconfig` writes it.
    @discardableResult
    static func during(
        kubeconfig: String, clients: Int = 2, scratch: String, _ location: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async throws -> NumberedWrites {
        let begun = "\(scratch)/numbered-\(UUID().uuidString)"
        // Told to stop by a file's end: a pipe that closes, whatever happens to the test.
        let script = """
            python3 "$0" --kubeconfig "$1" --writers "$2" --readers "$2" 2> "$3" & load=$!
            trap 'kill $load; wait $load' EXIT
            while [ ! -e "$3.stop" ] && kill -0 $load 2> /dev/null && kill -0 $PPID 2> /dev/null; do sleep 0.1; done
            kill $load 2> /dev/null
            trap - EXIT
            wait $load
            """
        async let load = CommandRun.run("bash", ["-c", script, Self.program, kubeconfig, "\(clients)", begun])
        var failure: (any Error)?
        do {
            try await eventually("the load is on", location) {
                (try? String(contentsOfFile: begun, encoding: .utf8))?.contains("begin") == true
            }
            try await body()
        } catch { failure = error }
        try Data().write(to: URL(filePath: "\(begun).stop"))
        let run = try await load
        if let failure { throw failure }
        let errors = (try? String(contentsOfFile: begun, encoding: .utf8)) ?? ""
        let writes = try #require(try? run.json(NumberedWrites.self), "\(run.report) \(errors)", sourceLocation: location)
        #expect(writes.lost.isEmpty && writes.backwards.isEmpty, "\(writes.summary)", sourceLocation: location)
        return writes
    }
}

extension RegionFixture {
    /// A kubeconfig with an administrator's certificate.
    func certificateKubeconfig(of cluster: String) async throws -> String {
        let path = "\(scratch)/\(cluster).kubeconfig"
        let text = try await slipway("cluster", "kubeconfig", cluster).required().output
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }
}
