import FleetStore
import Logging
import Synchronization
import Timing

/// The resources under a prefix as they are now, in memory: listed once and watched from there.
final class StoreMirror<Value: StoredResource>: Sendable {
    private struct State {
        var values: [StoreKey: Stored<Value>] = [:]
        var isLoaded = false
    }

    private let state = Mutex(State())
    private let store: any FleetStore
    private let prefix: StoreKey
    private let time: TimeSource
    private let logger: Logger
    private let changed: @Sendable () -> Void

    /// - Parameter changed: called after every change, and after each listing. Must not block.
    init(store: any FleetStore, prefix: StoreKey, time: TimeSource, logger: Logger, changed: @escaping @Sendable () -> Void = {}) {
        self.store = store
        self.prefix = prefix
        self.time = time
        self.logger = logger
        self.changed = changed
    }

    /// In the order of their keys.
    var values: [Stored<Value>] { state.withLock { state in state.values.sorted { $0.key < $1.key }.map(\.value) } }

    func value(_ key: StoreKey) -> Stored<Value>? { state.withLock { $0.values[key] } }

    /// It was listed at least once.
    var isLoaded: Bool { state.withLock { $0.isLoaded } }

    /// Lists once.
    /// - Returns: the revision.
    @discardableResult
    func load() async throws -> Int64 {
        let (items, revision) = try await store.list(Value.self, prefix: prefix)
        state.withLock { state in
            state.values = Dictionary(items.map { ($0.value.storeKey, $0) }, uniquingKeysWith: { $1 })
            state.isLoaded = true
        }
        changed()
        return revision
    }

    /// Puts in what this process wrote itself, so that it need not wait to be told.
    func put(_ value: Stored<Value>) {
        state.withLock { state in
            let key = value.value.storeKey
            if let known = state.values[key], known.modRevision > value.modRevision { return }
            state.values[key] = value
        }
    }

    /// Until cancelled.
    func run() async throws {
        while true {
            do {
                let revision = try await load()
                for try await event in store.watch(prefix: prefix, from: revision + 1) {
                    guard take(event) else { break }
                    changed()
                }
            } catch let error as StoreError {
                logger.debug("store watch interrupted", metadata: ["prefix": "\(prefix)", "error": "\(error)"])
            }
            try await time.sleep(for: .milliseconds(500))
        }
    }

    /// - Returns: false when history is gone: list again.
    private func take(_ event: WatchEvent) -> Bool {
        switch event {
        case .put(let stored):
            guard let value = try? StoreCoding.decode(Value.self, from: stored.value) else { return true }
            put(Stored(value: value, modRevision: stored.modRevision))
        case .delete(let key, _): state.withLock { $0.values[key] = nil }
        case .compacted: return false
        }
        return true
    }
}
