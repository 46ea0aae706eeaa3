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
        let before = lastLine
        var told = ""
        while true {
            let state = await readiness(configuration)
            guard let state else { return }
            if state != told { report("waiting: \(state)") }
            told = state
            // A service that says why it cannot start will not start by waiting.
            let line = lastLine
            if line != before, let error = Self.error(in: line) { throw ServerError(.timedOut, "The service does not start. \(error)") }
            guard time.uptime < end else {
                throw ServerError(
                    .timedOut,
                    "The service is not ready after \(Int(limit.seconds)) s: \(state). \(Self.error(in: lastLine).map { "\($0) " } ?? "")Its log: \(files.logDirectory)/server/current"
                )
            }
            try await time.sleep(for: .milliseconds(100))
        }
    }

    /// Of the service's log, with its time: the same error again is another line.
    private var lastLine: String {
        let log = (try? String(contentsOfFile: "\(files.logDirectory)/server/current", encoding: .utf8)) ?? ""
        return log.split(separator: "\n").last.map(String.init) ?? ""
    }

    /// What an error of the service's start says; nil for any other line.
    private static func error(in line: String) -> Substring? { line.range(of: "error: ").map { line[$0.upperBound...] } }

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
