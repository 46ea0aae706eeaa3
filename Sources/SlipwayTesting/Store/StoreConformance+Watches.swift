import FleetStore
import Timing

extension StoreConformance {
    static var watchCases: [Case] {
        [
            Case("a watch tells of every change in order") { try await watchOrder($0) },
            Case("a watch resumes at a revision, inclusive") { try await watchResume($0) },
            Case("a watch from revision 0 begins now") { try await watchFromNow($0) },
            Case("no gap between a list and its watch") { try await noGap($0) },
            Case("compacted history ends a watch with a word") { try await compaction($0) },
        ]
    }

    private static func watchOrder(_ subject: Subject) async throws {
        let store = subject.store
        let start = try await store.list(prefix: "").revision + 1
        let watch = store.watch(prefix: "w/", from: start)
        let first = try await store.commit([.put("w/b", .init(text: "1")), .put("w/a", .init(text: "1")), .put("other", [])], if: [])
        let second = try await store.commit([.put("w/b", .init(text: "2"))], if: [])
        try await store.commit([.put("wx", [])], if: [])
        let third = try await store.commit([.delete("w/b"), .put("w/c", .init(text: "3"))], if: [])
        let found = try await events(5, of: watch, subject.time)
        try checkEqual(
            found,
            ["put w/b 1 @\(first)", "put w/a 1 @\(first)", "put w/b 2 @\(second)", "delete w/b @\(third)", "put w/c 3 @\(third)"],
            "events")
    }

    private static func watchResume(_ subject: Subject) async throws {
        let store = subject.store
        var revisions: [Int64] = []
        for index in 0..<10 { revisions.append(try await store.commit([.put("r", .init(text: "\(index)"))], if: [])) }
        for start in [0, 4, 9] {
            let found = try await events(10 - start, of: store.watch(prefix: "r", from: revisions[start]), subject.time)
            try checkEqual(found, (start..<10).map { "put r \($0) @\(revisions[$0])" }, "events from revision \(revisions[start])")
        }
        // A revision that is still to come.
        let watch = store.watch(prefix: "r", from: revisions[9] + 2)
        try await store.commit([.put("r", .init(text: "skipped"))], if: [])
        let last = try await store.commit([.put("r", .init(text: "last"))], if: [])
        try checkEqual(try await events(1, of: watch, subject.time), ["put r last @\(last)"], "events from a coming revision")
    }

    private static func watchFromNow(_ subject: Subject) async throws {
        let store = subject.store
        try await store.commit([.put("n/old", .init(text: "before"))], if: [])
        let watch = store.watch(prefix: "n/", from: 0)
        // When exactly "now" is nobody knows: write until it is seen.
        let seen = try await withThrowingTaskGroup(of: [String].self) { group in
            group.addTask { try await events(1, of: watch, subject.time) }
            group.addTask {
                while true {
                    try await store.commit([.put("n/new", .init(text: "after"))], if: [])
                    try await subject.time.sleep(for: .milliseconds(20))
                }
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
        try check(seen.first?.hasPrefix("put n/new after @") == true, "first event: \(seen)")
    }

    private static func noGap(_ subject: Subject) async throws {
        let store = subject.store
        let writers = 5
        let writes = 40
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<writers {
                group.addTask {
                    for index in 0..<writes {
                        try await store.commit([.put(StoreKey(rawValue: "g/\(writer)"), .init(text: "\(index)"))], if: [])
                    }
                }
            }
            // Readers begin at different moments; each must see every later write of each writer, once and in order.
            for _ in 0..<5 {
                let snapshot = try await store.list(prefix: "g/")
                let stream = store.watch(prefix: "g/", from: snapshot.revision + 1)
                group.addTask {
                    var last: [StoreKey: Int] = [:]
                    for value in snapshot.values { last[value.key] = Int(String(decoding: value.value, as: UTF8.self)) }
                    let missing = writers * writes - last.values.reduce(0) { $0 + $1 + 1 }
                    guard missing > 0 else { return }
                    for event in try await events(missing, of: stream, subject.time) {
                        let words = event.split(separator: " ")
                        let key = StoreKey(rawValue: String(words[1]))
                        try checkEqual(Int(words[2]), (last[key] ?? -1) + 1, "next write to \(key)")
                        last[key] = Int(words[2])
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static func compaction(_ subject: Subject) async throws {
        let store = subject.store
        let first = try await store.commit([.put("c", .init(text: "1"))], if: [])
        let live = store.watch(prefix: "c", from: first)
        for index in 2...5 { try await store.commit([.put("c", .init(text: "\(index)"))], if: []) }
        let present = try await store.list(prefix: "c")
        // The live watch has seen it all before history goes.
        try checkEqual(try await events(5, of: live, subject.time).count, 5, "events before compaction")
        try await subject.compact(present.revision)
        let late = store.watch(prefix: "c", from: first)
        try checkEqual(try await events(2, of: late, subject.time), ["compacted"], "events of a watch from before, until its end")
        let next = store.watch(prefix: "c", from: present.revision + 1)
        let revision = try await store.commit([.put("c", .init(text: "6"))], if: [])
        try checkEqual(try await events(1, of: next, subject.time), ["put c 6 @\(revision)"], "events of a watch after a new list")
        try checkEqual(try await store.get("c")?.value, .init(text: "6"), "value after compaction")
    }
}
