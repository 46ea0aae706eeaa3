import Foundation

/// A key that compares by its UTF-8 bytes, as etcd does. `String` takes canonically equivalent spellings for equal.
struct ExactKey: Hashable, Comparable {
    let key: StoreKey

    init(_ key: StoreKey) { self.key = key }

    static func == (a: Self, b: Self) -> Bool {
        withBytes(a.key, b.key) { a, b in a.count == b.count && common(a, b, a.count) == 0 }
    }

    static func < (a: Self, b: Self) -> Bool {
        withBytes(a.key, b.key) { a, b in
            let order = common(a, b, min(a.count, b.count))
            return order == 0 ? a.count < b.count : order < 0
        }
    }

    func hash(into hasher: inout Hasher) {
        var text = key.rawValue
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    func hasPrefix(_ prefix: StoreKey) -> Bool {
        Self.withBytes(key, prefix) { all, start in all.count >= start.count && Self.common(all, start, start.count) == 0 }
    }

    /// The order of the first `count` bytes: negative, 0 or positive. One call of the C library: a simulation does little else.
    private static func common(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>, _ count: Int) -> Int32 {
        guard count > 0, let a = a.baseAddress, let b = b.baseAddress else { return 0 }
        return memcmp(a, b, count)
    }

    private static func withBytes(
        _ a: StoreKey, _ b: StoreKey, _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>) -> Bool
    ) -> Bool {
        var (a, b) = (a.rawValue, b.rawValue)
        return a.withUTF8 { a in b.withUTF8 { b in body(a, b) } }
    }
}
