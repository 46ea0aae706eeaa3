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

    /// Removes what checks have left behind that were killed in the middle. What cannot be removed now is found the next time.
    static func remove(from api: KubernetesAPI, now: Date) async {
        for collection in [CheckManifests.configMaps, CheckManifests.secrets] {
            let list = try? await api.object(Self.self, at: "\(collection)?labelSelector=\(CheckManifests.label)")
            for name in list?.names(before: now) ?? [] { try? await api.delete("\(collection)/\(name)") }
        }
    }

    /// Of checks that will not remove them any more: another one may be under way just now.
    func names(before now: Date) -> [String] {
        items.map(\.metadata).filter { object in
            guard let made = try? Date(object.creationTimestamp, strategy: .iso8601) else { return false }
            return now.timeIntervalSince(made) > Self.age
        }.map(\.name)
    }
}
