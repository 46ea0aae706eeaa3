/// EKS' rules for tags: 50 at most, keys of 1 to 128 characters that do not begin with `aws:`, values of up to 256.
enum TagRules {
    static let limit = 50

    /// - Throws: `ClusterServiceError` (`invalidParameter`).
    static func check(_ tags: [String: String]) throws -> [String: String] {
        guard tags.count <= limit else { throw invalid("A resource can have \(limit) tags at most; these are \(tags.count).") }
        for (key, value) in tags {
            guard (1...128).contains(key.count) else { throw invalid("A tag's key must have 1 to 128 characters.") }
            guard !key.lowercased().hasPrefix("aws:") else {
                throw invalid("The tag key '\(key)' is not allowed: keys that begin with 'aws:' are reserved.")
            }
            guard value.count <= 256 else { throw invalid("The value of the tag '\(key)' is longer than 256 characters.") }
        }
        return tags
    }

    private static func invalid(_ message: String) -> ClusterServiceError { ClusterServiceError(.invalidParameter, message) }
}
