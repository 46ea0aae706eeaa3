import AsyncHTTPClient
import FleetModel
import Foundation
import NIOCore
import NIOHTTP1
import Timing

extension DevRegion {
    /// Until the service says that it is ready.
    /// - Throws: `ServerError` (`timedOut`) with what it said last and where its log is.
    public func waitUntilReady(_ configuration: RegionConfiguration, limit: Duration = .seconds(60)) async throws {
        let end = time.uptime + limit
        let before = lastError
        var told = ""
        while true {
            let state = await readiness(configuration)
            guard let state else { return }
            if state != told { report("waiting: \(state)") }
            told = state
            // A service that says why it cannot start will not start by waiting.
            let error = lastError
            if error != before, !error.isEmpty { throw ServerError(.timedOut, "The service does not start.\(error)") }
            guard time.uptime < end else {
                throw ServerError(
                    .timedOut,
                    "The service is not ready after \(Int(limit.seconds)) s: \(state).\(lastError) Its log: \(files.logDirectory)/server/current"
                )
            }
            try await time.sleep(for: .milliseconds(100))
        }
    }

    /// The last line of the service's log when that is an error of its start, with a space before it; else nothing.
    private var lastError: String {
        let log = (try? String(contentsOfFile: "\(files.logDirectory)/server/current", encoding: .utf8)) ?? ""
        guard let line = log.split(separator: "\n").last, let start = line.range(of: "error: ") else { return "" }
        return " " + line[start.upperBound...]
    }

    /// Nil when it is ready, else what it waits for.
    func readiness(_ configuration: RegionConfiguration) async -> String? {
        do {
            let response = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: configuration.listen.localURL + "/readyz"), timeout: .seconds(2))
            if response.status.code == 200 { return nil }
            let body = try await response.body.collect(upTo: 1 << 16)
            return String(buffer: body).split(separator: "\n").filter { !$0.hasSuffix(" ok") }.joined(separator: ", ")
        } catch {
            return "the service to listen on \(configuration.listen.localURL)"
        }
    }
}

extension DevRegion {
    /// Who runs, by process.
    public struct State: Sendable {
        public var server: Int32?
        public var store: Int32?
        /// What the service waits for; nil when it is ready.
        public var waiting: String?
    }

    public func state(_ configuration: RegionConfiguration) async throws -> State {
        let store = geteuid() == 0 ? try await tree.processID(of: EmbeddedStore.serviceName) : nil
        return State(server: serverProcess, store: store, waiting: await readiness(configuration))
    }
}
