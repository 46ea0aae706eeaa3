/// The name of a cluster, unique in its region.
///
/// Rule, from the EKS service model (`CreateClusterRequest.name`): 1 to 100 characters, the first a letter or a digit,
/// the others letters, digits, `-` or `_`.
public struct ClusterName: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let rawValue: String

    /// - Throws: `FleetModelError` (`invalidName`) when `text` breaks the rule.
    public init(_ text: String) throws {
        guard Self.isValid(text) else {
            throw FleetModelError(
                .invalidName,
                "The cluster name '\(text.prefix(120))' is not allowed: use 1 to 100 letters, digits, '-' or '_', and start with a letter or digit."
            )
        }
        self.rawValue = text
    }

    public static func isValid(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 100, isAlphanumeric(first) else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    public var description: String { rawValue }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

extension ClusterName: Codable {
    public init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
