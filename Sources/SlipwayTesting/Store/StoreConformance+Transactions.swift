import FleetStore

extension StoreConformance {
    static var transactionCases: [Case] {
        [
            Case("revisions of a key's life") { try await revisions($0.store) },
            Case("a conflict changes nothing") { try await conflict($0.store) },
            Case("a transaction has one revision") { try await oneRevision($0.store) },
            Case("a transaction without effect makes no revision") { try await withoutEffect($0.store) },
            Case("limits of a transaction") { try await limits($0.store) },
            Case("50 concurrent writers lose nothing") { try await concurrentIncrements($0.store) },
            Case("large values") { try await largeValues($0.store) },
        ]
    }

    private static func revisions(_ store: any FleetStore) async throws {
        let key: StoreKey = "cells/a/clusters/demo"
        try check(try await store.get(key) == nil, "a new store is not empty")
        let first = try await store.commit([.put(key, .init(text: "1"))], if: [.absent(key)])
        try checkEqual(
            try await store.get(key), StoredValue(key: key, value: .init(text: "1"), createRevision: first, modRevision: first),
            "value after its creation")
        let second = try await store.commit([.put(key, .init(text: "2"))], if: [.unchanged(key, modRevision: first)])
        try check(second > first, "revision \(second) after \(first)")
        try checkEqual(
            try await store.get(key), StoredValue(key: key, value: .init(text: "2"), createRevision: first, modRevision: second),
            "value after a change")
        try await store.commit([.delete(key)], if: [.held(key, createRevision: first)])
        try check(try await store.get(key) == nil, "a deleted key is there")
        let third = try await store.commit([.put(key, [])], if: [.absent(key)])
        try checkEqual(
            try await store.get(key), StoredValue(key: key, value: [], createRevision: third, modRevision: third),
            "value after its second creation")
    }

    private static func conflict(_ store: any FleetStore) async throws {
        let revision = try await store.commit([.put("a", .init(text: "1")), .put("b", .init(text: "1"))], if: [])
        let later = try await store.commit([.put("a", .init(text: "2"))], if: [])
        let conditions: [StoreCondition] = [
            .absent("a"), .unchanged("a", modRevision: revision), .unchanged("none", modRevision: revision),
            .unchanged("none", modRevision: 0), .held("a", createRevision: later), .held("none", createRevision: revision),
        ]
        for condition in conditions {
            try await checkThrows(.conflict, "\(condition)") {
                // The second condition holds; both must.
                try await store.commit(
                    [.put("b", .init(text: "2")), .delete("a"), .put("c", [])], if: [.held("b", createRevision: revision), condition])
            }
        }
        let snapshot = try await store.list(prefix: "")
        try checkEqual(snapshot.revision, later, "revision after conflicts")
        try checkEqual(snapshot.values.map { "\($0.key)=\(String(decoding: $0.value, as: UTF8.self))" }, ["a=2", "b=1"], "values")
    }

    private static func oneRevision(_ store: any FleetStore) async throws {
        let first = try await store.commit([.put("old", [1])], if: [])
        let revision = try await store.commit([.put("x", [1]), .delete("old"), .put("y", [2])], if: [.held("old", createRevision: first)])
        let snapshot = try await store.list(prefix: "")
        try checkEqual(snapshot.values.map(\.modRevision), [revision, revision], "revisions")
        try checkEqual(snapshot.revision, revision, "revision of the list")
    }

    private static func withoutEffect(_ store: any FleetStore) async throws {
        let revision = try await store.commit([.put("x", [1])], if: [])
        try checkEqual(try await store.commit([.delete("none")], if: []), revision, "revision after deleting nothing")
        try checkEqual(try await store.commit([], if: [.held("x", createRevision: revision)]), revision, "revision after no operation")
        try await checkThrows(.conflict, "no operation, but a condition") { try await store.commit([], if: [.absent("x")]) }
    }

    private static func limits(_ store: any FleetStore) async throws {
        try await checkThrows(.failed, "a key put twice") { try await store.commit([.put("x", [1]), .put("x", [2])], if: []) }
        try await checkThrows(.failed, "a key put and deleted") { try await store.commit([.put("x", [1]), .delete("x")], if: []) }
        let most = (0..<StoreLimits.operations).map { StoreOperation.put(StoreKey(rawValue: "many/\($0)"), [1]) }
        try await store.commit(most, if: [])
        try await checkThrows(.failed, "too many operations") { try await store.commit(most + [.put("x", [])], if: []) }
        try checkEqual(try await store.list(prefix: "").values.count, most.count, "keys")
    }

    private static func concurrentIncrements(_ store: any FleetStore) async throws {
        let key: StoreKey = "counter"
        try await store.commit([.put(key, .init(text: "0"))], if: [])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    while true {
                        guard let old = try await store.get(key), let count = Int(String(decoding: old.value, as: UTF8.self)) else {
                            throw Failure(description: "the counter is gone")
                        }
                        do {
                            try await store.commit(
                                [.put(key, .init(text: "\(count + 1)"))], if: [.unchanged(key, modRevision: old.modRevision)])
                            return
                        } catch let error as StoreError where error.code == .conflict {}
                    }
                }
            }
            try await group.waitForAll()
        }
        try checkEqual(try await store.get(key).map { String(decoding: $0.value, as: UTF8.self) }, "50", "counter")
    }

    private static func largeValues(_ store: any FleetStore) async throws {
        let value = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let keys = (0..<8).map { StoreKey(rawValue: "large/\($0)") }
        for key in keys { try await store.commit([.put(key, value)], if: []) }
        try check(try await store.get(keys[3])?.value == value, "a large value came back changed")
        try check(try await store.list(prefix: "large/").values.allSatisfy { $0.value == value }, "a list of large values differs")
        try await checkThrows(.failed, "a value that is too large") {
            try await store.commit([.put("x", [UInt8](repeating: 7, count: 2_000_000))], if: [])
        }
        try check(try await store.get("x") == nil, "a refused value is there")
    }
}
