import Foundation
import Testing

/// `bench/numbered.py` at work: clients that write, read and watch through a cluster's endpoint without pause, and count what failed.
struct RequestLoad: Decodable {
    struct Loss: Decodable {
        var key: Int
        var acknowledged: Int
        var found: Int?
    }

    struct Regression: Decodable {
        var key: Int
        var seen: Int
        var then: Int
    }

    struct Failure: Decodable {
        /// Seconds since 1970.
        var at: Double
        var took: Double
        var method: String
        var reason: String
    }

    struct Watches: Decodable {
        struct Gap: Decodable {
            var object: String
            var number: Int
        }
        var events: Int
        var missed: [Gap]
        var disordered: [Gap]
    }

    var total: Int
    var failed: Int
    var lost: [Loss]
    var backwards: [Regression]
    var reasons: [String: Int]
    /// The first of them.
    var failures: [Failure]
    var watches: Watches

    /// A program of the benchmarks.
    static func program(_ name: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../bench/\(name)")
    }

    /// Runs `body` meanwhile, and asks that no request fails, that nothing is lost, and that watchers, if any, miss no event.
    static func expectNoFailure(
        _ region: RegionFixture, kubeconfig: String, watchers: Int = 0, _ location: SourceLocation = #_sourceLocation,
        during body: () async throws -> Void
    ) async throws {
        let stop = "\(region.scratch)/stop-load"
        let line = """
            python3 \(program("numbered.py").path) --kubeconfig \(kubeconfig) --writers 3 --readers 3 --watchers \(watchers) & load=$!
            while [ ! -e \(stop) ]; do sleep 0.2; done
            kill -TERM $load; wait $load
            """
        async let run = CommandRun.run("sh", ["-c", line])
        var failure: (any Error)?
        do { try await body() } catch { failure = error }
        try Data().write(to: URL(filePath: stop))
        let load = try await run
        try FileManager.default.removeItem(atPath: stop)
        if let failure { throw failure }
        let seen = try load.json(RequestLoad.self)
        let failures = seen.failures.prefix(5).map { "\($0.method) \($0.reason) after \($0.took) s at \($0.at)" }
        #expect(seen.failed == 0, "\(seen.reasons) of \(seen.total): \(failures)", sourceLocation: location)
        if seen.failed > 0 { await region.keepLogs() }
        #expect(seen.lost.isEmpty && seen.backwards.isEmpty, "\(seen.lost) \(seen.backwards)", sourceLocation: location)
        #expect(seen.watches.missed.isEmpty && seen.watches.disordered.isEmpty, "\(seen.watches)", sourceLocation: location)
        #expect(watchers == 0 || seen.watches.events > 0, sourceLocation: location)
        #expect(seen.total > 0, sourceLocation: location)
    }
}
