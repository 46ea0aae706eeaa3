import FleetStore
import Logging
import Synchronization
import Timing

/// The resources under a prefix as they are now, in memory: listed once and watched from there. What arrives is decoded when it
/// is asked for, since a resource often changes several times between two looks.
final class StoreMirror<Value: StoredResource>: Sendable {
    private struct State {
        var values: [StoreKey: Stored<Value>] = [:]
        /// Newer than those in `values`.
        var arrived: [StoreKey: StoredValue] = [:]
        /// In the order of their keys; nil when something has changed since.
        var sorted: [Stored<Value>]?
        var isLoaded = false

        mutating func put(_ value: Stored<Value>, at key: StoreKey) {
            if let known = values[key], known.modRevision > value.modRevision { return }
            values[key] = value
            if let newer = arrived[key], newer.modRevision <= value.modRevision { arrived[key] = nil }
            sorted = nil
        }

        /// What cannot be read is left as it was last.
        mutating func decodeArrived() {
            guard !arrived.isEmpty else { return }
            for (key, stored) in arrived {
                guard let value = try? StoreCoding.decode(Value.self, from: stored.value) else { continue }
                put(Stored(value: value, modRevision: stored.modRevision), at: key)
            }
            arrived = [:]
        }

        mutating func inOrder() -> [Stored<Value>] {
            decodeArrived()
            if let sorted { return sorted }
            let made = values.sorted { $0.key < $1.key }.map(\.value)
            sorted = made
            return made
        }
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
    var values: [Stored<Value>] { state.withLock { $0.inOrder() } }

    func value(_ key: StoreKey) -> Stored<Value>? {
        state.withLock { state in
            state.decodeArrived()
            return state.values[key]
        }
    }

    /// It was listed at least once.
    var isLoaded: Bool { state.withLock { $0.isLoaded } }

    /// Lists once.
    /// - Returns: the revision.
    @discardableResult
    func load() async throws -> Int64 {
        let (items, revision) = try await store.list(Value.self, prefix: prefix)
        state.withLock { state in
            state = State(isLoaded: true)
            for item in items { state.put(item, at: item.value.storeKey) }
        }
        changed()
        return revision
    }

    /// Puts in what this process wrote itself, so that it need not wait to be told.
    func put(_ value: Stored<Value>) { state.withLock { $0.put(value, at: value.value.storeKey) } }

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
        case .put(let stored): state.withLock { $0.arrived[stored.key] = stored }
        case .delete(let key, _):
            state.withLock { state in
                state.values[key] = nil
                state.arrived[key] = nil
                state.sorted = nil
            }
        case .compacted: return false
        }
        return true
    }
}
