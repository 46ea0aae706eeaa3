import HeapModule

/// Who asked for the work: user changes go before resyncs.
public enum WorkPriority: Int, Comparable, Sendable {
    case user = 0, resync = 1
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// The rules of the work queue, pure: a key is queued once and never worked twice at once; earlier wish and higher priority
/// win; a key that is wished for while it is worked comes again; failures back off.
package struct WorkQueueMachine<Key: Hashable & Sendable> {
    package enum Next: Equatable {
        case work(Key)
        /// Nothing to do before that time; nil: until something changes.
        case sleep(until: Duration?)
    }

    private struct Wish {
        var due: Duration
        var priority: WorkPriority
    }

    private struct Entry {
        var wish: Wish?
        var isRunning = false
        var failures = 0
        /// Tickets of older wishes are void.
        var ticket: UInt64 = 0
        /// Its present ticket is in `ready`.
        var isReady = false
    }

    private struct Delayed: Comparable {
        var due: Duration
        var ticket: UInt64
        var key: Key
        static func == (a: Self, b: Self) -> Bool { a.ticket == b.ticket }
        static func < (a: Self, b: Self) -> Bool { (a.due, a.ticket) < (b.due, b.ticket) }
    }

    private struct Ready: Comparable {
        var priority: WorkPriority
        var ticket: UInt64
        var key: Key
        static func == (a: Self, b: Self) -> Bool { a.ticket == b.ticket }
        static func < (a: Self, b: Self) -> Bool { (a.priority, a.ticket) < (b.priority, b.ticket) }
    }

    private var entries: [Key: Entry] = [:]
    private var delayed = Heap<Delayed>()
    private var ready = Heap<Ready>()
    private var lastTicket: UInt64 = 0
    /// Tickets in `ready` that are not void. Counted as they come and go: to count the entries would make a pass over many
    /// keys quadratic.
    private var backlog = 0
    package private(set) var running = 0
    package let concurrency: Int

    package init(concurrency: Int) { self.concurrency = max(1, concurrency) }

    /// Keys that are due and wait for their turn. Those that come again later are no backlog and do not count.
    package mutating func depth(now: Duration) -> Int {
        collectDue(now: now)
        return backlog
    }

    package mutating func add(_ key: Key, due: Duration, priority: WorkPriority) {
        var entry = entries[key] ?? Entry()
        var wish = Wish(due: due, priority: priority)
        if let old = entry.wish {
            wish = Wish(due: min(old.due, due), priority: min(old.priority, priority))
            if wish.due == old.due, wish.priority == old.priority { return }
        }
        entry.wish = wish
        if !entry.isRunning { schedule(key, &entry) }
        entries[key] = entry
    }

    package mutating func next(now: Duration) -> Next {
        collectDue(now: now)
        if running < concurrency {
            while let first = ready.popMin() {
                guard var entry = entries[first.key], entry.ticket == first.ticket, entry.wish != nil, !entry.isRunning else { continue }
                entry.wish = nil
                entry.isReady = false
                backlog -= 1
                entry.isRunning = true
                entries[first.key] = entry
                running += 1
                return .work(first.key)
            }
        }
        while let first = delayed.min, entries[first.key]?.ticket != first.ticket { delayed.removeMin() }
        return .sleep(until: delayed.min?.due)
    }

    /// - Parameter again: when to come back; nil: not before somebody asks.
    package mutating func finish(_ key: Key, failed: Bool, again: (due: Duration, priority: WorkPriority)?) {
        guard var entry = entries[key], entry.isRunning else { return }
        running -= 1
        entry.isRunning = false
        entry.failures = failed ? entry.failures + 1 : 0
        if let again {
            let old = entry.wish ?? Wish(due: again.due, priority: again.priority)
            entry.wish = Wish(due: min(old.due, again.due), priority: min(old.priority, again.priority))
        }
        if entry.wish == nil {
            entries[key] = nil
        } else {
            schedule(key, &entry)
            entries[key] = entry
        }
    }

    package func failures(of key: Key) -> Int { entries[key]?.failures ?? 0 }

    private mutating func collectDue(now: Duration) {
        while let first = delayed.min, first.due <= now {
            delayed.removeMin()
            guard var entry = entries[first.key], entry.ticket == first.ticket, let wish = entry.wish else { continue }
            ready.insert(Ready(priority: wish.priority, ticket: first.ticket, key: first.key))
            entry.isReady = true
            entries[first.key] = entry
            backlog += 1
        }
    }

    private mutating func schedule(_ key: Key, _ entry: inout Entry) {
        guard let wish = entry.wish else { return }
        if entry.isReady {
            // The ticket in `ready` becomes void.
            entry.isReady = false
            backlog -= 1
        }
        lastTicket += 1
        entry.ticket = lastTicket
        delayed.insert(Delayed(due: wish.due, ticket: lastTicket, key: key))
    }
}
