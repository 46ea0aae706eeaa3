import FleetStore
import Timing

/// What every `FleetStore` must do, checked the same way on each. A case throws `StoreConformance.Failure` when it does not.
public struct StoreConformance: Sendable {
    /// A store under test, empty at the start.
    public struct Subject: Sendable {
        public var store: any FleetStore
        /// Forgets what changed before a revision.
        public var compact: @Sendable (Int64) async throws -> Void
        public var time: TimeSource

        public init(store: any FleetStore, time: TimeSource = .system, compact: @escaping @Sendable (Int64) async throws -> Void) {
            self.store = store
            self.compact = compact
            self.time = time
        }
    }

    public struct Case: Sendable, CustomStringConvertible {
        public var description: String
        public var run: @Sendable (Subject) async throws -> Void

        init(_ description: String, _ run: @escaping @Sendable (Subject) async throws -> Void) {
            self.description = description
            self.run = run
        }
    }

    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    public static var cases: [Case] { transactionCases + listCases + watchCases + leaseCases + electionCases }

    // MARK: Checks

    static func check(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        guard condition else { throw Failure(description: message()) }
    }

    static func checkEqual<Value: Equatable>(_ found: Value, _ wanted: Value, _ what: String) throws {
        guard found == wanted else { throw Failure(description: "\(what): \(found) instead of \(wanted)") }
    }

    /// - Throws: unless `body` throws a `StoreError` with this code.
    static func checkThrows(_ code: StoreError.Code, _ what: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as StoreError {
            return try checkEqual(error.code, code, "\(what): code of '\(error)'")
        }
        throw Failure(description: "\(what): no error instead of \(code)")
    }

    /// Waits for `condition`, for 30 s at most.
    static func eventually(
        _ what: String, _ time: TimeSource, _ condition: () async throws -> Bool
    ) async throws {
        let deadline = time.uptime + .seconds(30)
        while try await !condition() {
            guard time.uptime < deadline else { throw Failure(description: "\(what): not within 30 s") }
            try await time.sleep(for: .milliseconds(20))
        }
    }

    /// The first `count` events, in words that compare: `put KEY VALUE @REVISION`, `delete KEY @REVISION`, `compacted`.
    static func events(
        _ count: Int, of stream: AsyncThrowingStream<WatchEvent, any Error>, _ time: TimeSource
    ) async throws -> [String] {
        try await withThrowingTaskGroup(of: [String].self) { group in
            group.addTask {
                var found: [String] = []
                for try await event in stream {
                    found.append(text(of: event))
                    if found.count == count { break }
                }
                return found
            }
            group.addTask {
                try await time.sleep(for: .seconds(30))
                throw Failure(description: "a watch did not tell of \(count) events within 30 s")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }

    static func text(of event: WatchEvent) -> String {
        switch event {
        case .put(let value): "put \(value.key) \(String(decoding: value.value, as: UTF8.self)) @\(value.modRevision)"
        case .delete(let key, let revision): "delete \(key) @\(revision)"
        case .compacted: "compacted"
        }
    }
}

extension [UInt8] {
    init(text: String) { self.init(text.utf8) }
}
