import FleetStore

extension StoreConformance {
    static var listCases: [Case] {
        [
            Case("lists are in the order of bytes and end with the prefix") { try await order($0.store) },
            Case("3,000 keys at one revision") { try await manyKeys($0.store) },
            Case("keys with odd characters") { try await oddKeys($0.store) },
        ]
    }

    private static func order(_ store: any FleetStore) async throws {
        let keys: [StoreKey] = ["a/b", "a0", "a", "a/c", "a/", "a/b/c", "b", "a/B", "A/b", "a/ä", "a/~"]
        for key in keys { try await store.commit([.put(key, [])], if: []) }
        let revision = try await store.commit([.put("z", [])], if: [])
        let snapshot = try await store.list(prefix: "a/")
        try checkEqual(snapshot.values.map(\.key), ["a/", "a/B", "a/b", "a/b/c", "a/c", "a/~", "a/ä"], "keys under a/")
        try checkEqual(snapshot.revision, revision, "revision of the list")
        try checkEqual(try await store.list(prefix: "").values.count, keys.count + 1, "all keys")
        let nothing = try await store.list(prefix: "c/")
        try check(nothing.values.isEmpty && nothing.revision == revision, "an empty list at revision \(nothing.revision)")
    }

    private static func manyKeys(_ store: any FleetStore) async throws {
        let count = 3_000
        let keys = (0..<count).map { StoreKey(rawValue: "many/" + String(10_000 + $0)) }
        for start in stride(from: 0, to: count, by: 100) {
            try await store.commit(keys[start..<start + 100].map { .put($0, .init(text: "0")) }, if: [])
        }
        // Somebody writes all keys in one transaction after the other while they are listed page by page.
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var round = 1
                while !Task.isCancelled {
                    try await store.commit(
                        [.put(keys[0], .init(text: "\(round)")), .put(keys[count - 1], .init(text: "\(round)"))], if: [])
                    round += 1
                }
            }
            for _ in 0..<10 {
                let values = try await store.list(prefix: "many/").values
                try checkEqual(values.map(\.key), keys, "keys")
                try checkEqual(values[0].value, values[count - 1].value, "first and last key, which are always written together")
            }
            group.cancelAll()
            do { try await group.waitForAll() } catch is CancellationError {}
        }
    }

    private static func oddKeys(_ store: any FleetStore) async throws {
        let keys: [StoreKey] = [
            "arn:aws:iam::111122223333:user/Jane Doe", "tab\tnew\nline", "quote\"'\\", "%2F/../.", "köln/é", "köln/e\u{301}", "日本/🚢",
            "nul\0nul", "//", " ", "\u{ff}\u{10ffff}",
        ]
        for (index, key) in keys.enumerated() { try await store.commit([.put(key, [UInt8(index)])], if: [.absent(key)]) }
        for (index, key) in keys.enumerated() {
            let found = try await store.get(key)
            try checkEqual(found?.value, [UInt8(index)], "value of \(key.rawValue.debugDescription)")
            try check(
                found.map { Array($0.key.rawValue.utf8) } == Array(key.rawValue.utf8),
                "\(key) came back as \(String(describing: found?.key))")
        }
        let listed = try await store.list(prefix: "").values.map { Array($0.key.rawValue.utf8) }
        try check(listed == keys.map { Array($0.rawValue.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }, "order of odd keys")
        try checkEqual(try await store.list(prefix: "köln/").values.count, 2, "keys that look the same but are not")
    }
}
