import Foundation

/// Objects of checks, as a cluster's API lists them.
struct CheckLeftovers: Decodable {
    struct Item: Decodable {
        struct Metadata: Decodable {
            var name: String
            /// RFC 3339.
            var creationTimestamp: String
        }
        var metadata: Metadata
    }
    var items: [Item]

    /// A check is over, one way or the other, long before that: seconds.
    static let age = 120.0

    /// Of checks that will not remove them any more: another one may be under way just now.
    func names(before now: Date) -> [String] {
        items.map(\.metadata).filter { object in
            guard let made = try? Date(object.creationTimestamp, strategy: .iso8601) else { return false }
            return now.timeIntervalSince(made) > Self.age
        }.map(\.name)
    }
}
