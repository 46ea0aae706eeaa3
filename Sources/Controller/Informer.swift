import FleetStore
import Logging
import Timing

/// Tells of every change under a prefix: lists, then watches from there, and lists again when history is gone.
public struct Informer: Sendable {
    private let store: any FleetStore
    private let prefix: StoreKey
    private let time: TimeSource
    private let logger: Logger
    private let digest: @Sendable (StoredValue) -> String?
    private let changed: @Sendable (StoreKey) -> Void

    /// - Parameters:
    ///   - digest: of what matters in a value. A write that leaves it as it was is not told: a controller's own writes of
    ///     status must not wake it, which would also make its backoff vain. Nil: every write matters.
    ///   - changed: called with each key at the start, and again whenever it is written or deleted. Must not block.
    public init(
        store: any FleetStore, prefix: StoreKey, time: TimeSource, logger: Logger,
        digest: @escaping @Sendable (StoredValue) -> String? = { _ in nil }, changed: @escaping @Sendable (StoreKey) -> Void
    ) {
        self.digest = digest
        self.store = store
        self.prefix = prefix
        self.time = time
        self.logger = logger
        self.changed = changed
    }

    /// Until cancelled.
    public func run() async throws {
        var failures = 0
        var known: [StoreKey: String?] = [:]
        while true {
            try Task.checkCancellation()
            do {
                let revision = try await list(&known)
                failures = 0
                try await follow(from: revision + 1, &known)
            } catch let error as StoreError {
                failures += 1
                logger.warning("store watch interrupted", metadata: ["prefix": "\(prefix)", "error": "\(error)"])
                try await time.sleep(for: Backoff().delay(afterFailures: failures, jitter: 1))
            }
        }
    }

    private func list(_ known: inout [StoreKey: String?]) async throws -> Int64 {
        let snapshot = try await store.list(prefix: prefix)
        let present = Set(snapshot.values.map(\.key))
        // What went while nobody watched has changed too.
        for key in Set(known.keys).subtracting(present).sorted() { changed(key) }
        known = [:]
        for value in snapshot.values {
            known[value.key] = .some(digest(value))
            changed(value.key)
        }
        return snapshot.revision
    }

    private func follow(from revision: Int64, _ known: inout [StoreKey: String?]) async throws {
        for try await event in store.watch(prefix: prefix, from: revision) {
            switch event {
            case .put(let value):
                let digest = digest(value)
                let old = known.updateValue(digest, forKey: value.key)
                if digest == nil || old != .some(digest) { changed(value.key) }
            case .delete(let key, _):
                known.removeValue(forKey: key)
                changed(key)
            case .compacted: return
            }
        }
    }
}
