import EtcdClient
import FleetStore
import Logging
import ServiceLifecycle
import Timing

/// Fleet state in etcd, under `/slipway/REGION/`.
///
/// Somebody must execute `run()`: it keeps the connections and carries the watches. What is asked before waits for it.
public final class EtcdStore: FleetStore, Service {
    private let client: EtcdClient
    private let prefix: [UInt8]
    private let time: TimeSource
    private let logger: Logger
    private let watches: AsyncStream<EtcdStoreWatch>
    private let newWatches: AsyncStream<EtcdStoreWatch>.Continuation

    /// - Parameter region: keeps several regions apart in one etcd.
    public init(client: EtcdClient, region: String, time: TimeSource = .system, logger: Logger) {
        self.client = client
        self.prefix = [UInt8]("/slipway/\(region)/".utf8)
        self.time = time
        self.logger = logger
        (watches, newWatches) = AsyncStream.makeStream()
    }

    /// - Throws: `EtcdError` with code `invalid` when the configuration cannot be used.
    public convenience init(
        _ configuration: EtcdConfiguration, region: String, time: TimeSource = .system, logger: Logger
    ) throws {
        self.init(client: try EtcdClient(configuration), region: region, time: time, logger: logger)
    }

    /// Until the task is cancelled or, gracefully, until calls under way have ended; watches end at once.
    public func run() async throws {
        defer {
            newWatches.finish()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [client] in try await client.run() }
            group.addTask {
                await cancelWhenGracefulShutdown {
                    await withDiscardingTaskGroup { group in
                        for await watch in self.watches { group.addTask { await watch.run() } }
                        group.cancelAll()
                    }
                }
                // The last reader is gone: later watches end by themselves.
                self.newWatches.finish()
            }
            defer { group.cancelAll() }
            // The client ends last; when it fails the watches end too.
            try await group.next()
            try await group.next()
        }
    }

    // MARK: FleetStore

    public func get(_ key: StoreKey) async throws -> StoredValue? {
        try await reading { try await client.range(.key(full(key))).values.first.map(stripped) }
    }

    public func list(prefix: StoreKey) async throws -> StoreSnapshot {
        let range = try await reading { try await client.list(.prefix(full(prefix))) }
        return StoreSnapshot(values: range.values.map(stripped), revision: range.revision)
    }

    @discardableResult
    public func commit(_ operations: [StoreOperation], if conditions: [StoreCondition]) async throws -> Int64 {
        try StoreLimits.check(operations, conditions)
        let outcome: EtcdOutcome
        do {
            outcome = try await client.transaction(
                if: conditions.map(comparison), then: operations.map(operation),
                else: conditions.map { .get(.key(full($0.key)), keysOnly: true) })
        } catch {
            throw StoreError.from(error)
        }
        guard outcome.succeeded else {
            let failed = zip(conditions, outcome.ranges).first { condition, found in !condition.holds(for: found.first) }
            throw failed?.0.failure ?? StoreError(.conflict, "A condition of the transaction does not hold.")
        }
        return outcome.revision
    }

    public func watch(prefix: StoreKey, from revision: Int64) -> AsyncThrowingStream<WatchEvent, any Error> {
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: WatchEvent.self)
        let (ended, end) = AsyncStream.makeStream(of: Never.self)
        continuation.onTermination = { _ in end.finish() }
        let watch = EtcdStoreWatch(
            client: client, keys: .prefix(full(prefix)), prefixLength: self.prefix.count, revision: revision, events: continuation,
            ended: ended, time: time, logger: logger)
        if case .terminated = newWatches.yield(watch) { watch.refuse() }
        return stream
    }

    public func grantLease(timeToLive: Duration) async throws -> StoreLease {
        do { return StoreLease(id: try await client.grantLease(timeToLive: timeToLive).id) } catch { throw StoreError.from(error) }
    }

    public func keepAlive(_ lease: StoreLease) async throws {
        do { try await client.keepAlive(lease: lease.id) } catch { throw StoreError.from(error) }
    }

    /// Also when the calling task is cancelled, in which the call would not be made at all: hence a task of its own.
    public func revoke(_ lease: StoreLease) async throws {
        let failure = await Task { () -> EtcdError? in
            do throws(EtcdError) {
                try await client.revoke(lease: lease.id)
                return nil
            } catch {
                return error
            }
        }.value
        if let failure { throw StoreError.from(failure) }
    }

    // MARK: Translation

    /// Reads again, twice at most, when a member went away in the middle: to read twice does no harm.
    private func reading<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
        var attempts = 0
        while true {
            attempts += 1
            do {
                return try await body()
            } catch let error as EtcdError {
                guard error.code == .unavailable, attempts < 3 else { throw StoreError.from(error) }
                try await time.sleep(for: .milliseconds(50))
            }
        }
    }

    private func full(_ key: StoreKey) -> [UInt8] { prefix + key.rawValue.utf8 }

    private func stripped(_ value: EtcdKeyValue) -> StoredValue { StoredValue(value, prefixLength: prefix.count) }

    private func comparison(_ condition: StoreCondition) -> EtcdComparison {
        switch condition {
        case .absent(let key): .createRevision(full(key), is: 0)
        // Revision 0 would hold for a key that does not exist, -1 never does.
        case .unchanged(let key, let revision): .modRevision(full(key), is: revision > 0 ? revision : -1)
        case .held(let key, let revision): .createRevision(full(key), is: revision > 0 ? revision : -1)
        }
    }

    private func operation(_ operation: StoreOperation) -> EtcdOperation {
        switch operation {
        case .put(let key, let value, let lease): .put(full(key), value, lease: lease?.id ?? 0)
        case .delete(let key): .delete(.key(full(key)))
        }
    }
}

extension StoreCondition {
    fileprivate var key: StoreKey {
        switch self {
        case .absent(let key), .unchanged(let key, _), .held(let key, _): key
        }
    }

    fileprivate func holds(for found: EtcdKeyValue?) -> Bool {
        switch self {
        case .absent: found == nil
        case .unchanged(_, let revision): found?.modRevision == revision
        case .held(_, let revision): found?.createRevision == revision
        }
    }
}

extension StoredValue {
    init(_ value: EtcdKeyValue, prefixLength: Int) {
        self.init(
            key: StoreKey(value.key, prefixLength: prefixLength), value: value.value, createRevision: value.createRevision,
            modRevision: value.modRevision)
    }
}

extension StoreKey {
    init(_ bytes: [UInt8], prefixLength: Int) { self.init(rawValue: String(decoding: bytes.dropFirst(prefixLength), as: UTF8.self)) }
}

extension StoreError {
    /// A cancelled call becomes a `CancellationError`.
    static func from(_ error: EtcdError) -> any Error {
        switch error.code {
        case .cancelled: CancellationError()
        case .unavailable, .timedOut: StoreError(.unavailable, "The store does not answer.", cause: error)
        case .notFound: StoreError(.leaseLost, "The lease has run out.", cause: error)
        case .noSpace: StoreError(.noSpace, "The store has reached its quota.", cause: error)
        case .compacted, .invalid, .refused, .denied, .failed: StoreError(.failed, "The store refused.", cause: error)
        }
    }
}
