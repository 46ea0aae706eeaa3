import Crypto

/// The parts of an HTTP request that a signature covers, as they are on the wire.
public struct SignableRequest: Sendable {
    public var method: String
    /// Still percent-encoded; `/` when empty.
    public var path: String
    /// Still percent-encoded, without the `?`; empty when there is none.
    public var query: String
    /// Every header line; the same name may come more than once. `host` must be among them.
    public var headers: [(name: String, value: String)]
    /// Lower-case hexadecimal SHA-256 of the body.
    public var bodyHash: String

    public init(
        method: String, path: String, query: String = "", headers: [(name: String, value: String)], bodyHash: String = Self.emptyHash
    ) {
        self.method = method
        self.path = path.isEmpty ? "/" : path
        self.query = query
        self.headers = headers
        self.bodyHash = bodyHash
    }

    public init(method: String, path: String, query: String = "", headers: [(name: String, value: String)], body: some Sequence<UInt8>) {
        self.init(method: method, path: path, query: query, headers: headers, bodyHash: Self.hash(body))
    }

    /// Of an empty body.
    public static let emptyHash = hash([])

    /// Lower-case hexadecimal SHA-256.
    public static func hash(_ bytes: some Sequence<UInt8>) -> String { Hexadecimal.encode(SHA256.hash(data: Array(bytes))) }

    /// The value of a header: several lines of one name are joined by commas; nil when there is none.
    public func header(_ name: String) -> String? {
        let name = name.lowercased()
        let values = headers.lazy.filter { $0.name.lowercased() == name }.map { $0.value }
        return values.isEmpty ? nil : values.joined(separator: ",")
    }

    /// Whether somebody tried to sign it; says nothing about whether that went well.
    public var carriesSignature: Bool {
        header("authorization") != nil || query.contains("X-Amz-Algorithm=") || query.contains("X-Amz-Signature=")
    }

    /// The query's pairs in order, decoded. A key without `=` has an empty value.
    public var queryPairs: [(key: String, value: String)] {
        query.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (
                String(decoding: PercentEncoding.decode(parts[0]), as: UTF8.self),
                parts.count == 2 ? String(decoding: PercentEncoding.decode(parts[1]), as: UTF8.self) : ""
            )
        }
    }
}
