/// What `MemoryStore` keeps: etcd's data model as a pure state machine. Time comes in as an argument.
struct MemoryStoreState {
    struct Change {
        var key: ExactKey
        var revision: Int64
        /// Nil for a deletion.
        var value: StoredValue?

        var event: WatchEvent { value.map { .put($0) } ?? .delete(key.key, revision: revision) }
    }

    private struct Entry {
        var value: StoredValue
        var lease: StoreLease?
    }

    private struct LeaseRecord {
        var timeToLive: Duration
        var deadline: Duration
        var keys: Set<ExactKey> = []
    }

    /// A new etcd is at revision 1; the first change makes revision 2.
    private(set) var revision: Int64 = 1
    /// Changes before this revision are forgotten.
    private(set) var compactedRevision: Int64 = 0
    private(set) var history: [Change] = []
    private var entries: [ExactKey: Entry] = [:]
    private var order: [ExactKey] = []
    private var leases: [StoreLease: LeaseRecord] = [:]
    private var lastLease: Int64 = 0
    private let historyLimit: Int

    init(historyLimit: Int) { self.historyLimit = historyLimit }

    func value(of key: StoreKey) -> StoredValue? { entries[ExactKey(key)]?.value }

    func values(under prefix: StoreKey) -> [StoredValue] {
        var found: [StoredValue] = []
        var index = position(of: ExactKey(prefix))
        while index < order.count, order[index].hasPrefix(prefix) {
            if let entry = entries[order[index]] { found.append(entry.value) }
            index += 1
        }
        return found
    }

    // MARK: Transactions

    /// - Returns: the changes, none when the operations change nothing (then there is no new revision either).
    mutating func commit(_ operations: [StoreOperation], if conditions: [StoreCondition]) throws(StoreError) -> [Change] {
        try StoreLimits.check(operations, conditions)
        for condition in conditions where !holds(condition) { throw condition.failure }
        for case .put(let key, _, let lease?) in operations where leases[lease] == nil {
            throw StoreError(.leaseLost, "The lease \(lease.id) of '\(key)' has run out.")
        }
        let next = revision + 1
        var changes: [Change] = []
        for operation in operations {
            switch operation {
            case .put(let key, let bytes, let lease): changes.append(put(ExactKey(key), bytes, lease, at: next))
            case .delete(let key): if let change = remove(ExactKey(key), at: next) { changes.append(change) }
            }
        }
        record(changes)
        return changes
    }

    private func holds(_ condition: StoreCondition) -> Bool {
        switch condition {
        case .absent(let key): entries[ExactKey(key)] == nil
        case .unchanged(let key, let revision): entries[ExactKey(key)]?.value.modRevision == revision
        case .held(let key, let revision): entries[ExactKey(key)]?.value.createRevision == revision
        }
    }

    private mutating func put(_ key: ExactKey, _ bytes: [UInt8], _ lease: StoreLease?, at next: Int64) -> Change {
        let old = entries[key]
        if let old { detach(key, from: old.lease) } else { order.insert(key, at: position(of: key)) }
        let value = StoredValue(
            key: key.key, value: bytes, createRevision: old?.value.createRevision ?? next, modRevision: next)
        entries[key] = Entry(value: value, lease: lease)
        if let lease { leases[lease]?.keys.insert(key) }
        return Change(key: key, revision: next, value: value)
    }

    private mutating func remove(_ key: ExactKey, at next: Int64) -> Change? {
        guard let old = entries.removeValue(forKey: key) else { return nil }
        detach(key, from: old.lease)
        order.remove(at: position(of: key))
        return Change(key: key, revision: next, value: nil)
    }

    private mutating func detach(_ key: ExactKey, from lease: StoreLease?) {
        if let lease { leases[lease]?.keys.remove(key) }
    }

    private mutating func record(_ changes: [Change]) {
        guard !changes.isEmpty else { return }
        revision += 1
        history += changes
        // Cut to the limit only at twice the limit: each change is moved once at most.
        if history.count > 2 * historyLimit { compact(to: history[history.count - historyLimit].revision) }
    }

    /// Forgets what changed before `wanted`, which is at most the present revision.
    mutating func compact(to wanted: Int64) {
        guard wanted > compactedRevision else { return }
        compactedRevision = wanted
        history.removeSubrange(..<firstChange(from: wanted))
    }

    func changes(from wanted: Int64) -> ArraySlice<Change> { history[firstChange(from: wanted)...] }

    // MARK: Leases

    var nextExpiry: Duration? { leases.values.lazy.map(\.deadline).min() }

    mutating func grant(timeToLive: Duration, now: Duration) -> StoreLease {
        lastLease += 1
        let lease = StoreLease(id: lastLease)
        leases[lease] = LeaseRecord(timeToLive: timeToLive, deadline: now + timeToLive)
        return lease
    }

    mutating func keepAlive(_ lease: StoreLease, now: Duration) throws(StoreError) {
        guard let record = leases[lease] else { throw Self.lost(lease) }
        leases[lease]?.deadline = now + record.timeToLive
    }

    mutating func revoke(_ lease: StoreLease) throws(StoreError) -> [Change] {
        guard leases[lease] != nil else { throw Self.lost(lease) }
        return end(lease)
    }

    /// Ends the leases that have run out, in the order of their deadlines.
    mutating func expire(now: Duration) -> [Change] {
        guard let next = nextExpiry, next <= now else { return [] }
        let due = leases.filter { $0.value.deadline <= now }
            .sorted { ($0.value.deadline, $0.key.id) < ($1.value.deadline, $1.key.id) }
        return due.flatMap { end($0.key) }
    }

    private mutating func end(_ lease: StoreLease) -> [Change] {
        let keys = leases.removeValue(forKey: lease)?.keys.sorted() ?? []
        let next = revision + 1
        let changes = keys.compactMap { remove($0, at: next) }
        record(changes)
        return changes
    }

    private static func lost(_ lease: StoreLease) -> StoreError {
        StoreError(.leaseLost, "The lease \(lease.id) has run out.")
    }

    // MARK: Search

    private func position(of key: ExactKey) -> Int { Self.firstIndex(order.count) { !(order[$0] < key) } }

    private func firstChange(from wanted: Int64) -> Int { Self.firstIndex(history.count) { history[$0].revision >= wanted } }

    /// The first index for which `isPast` holds, where it holds for all later ones too.
    private static func firstIndex(_ count: Int, where isPast: (Int) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isPast(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
