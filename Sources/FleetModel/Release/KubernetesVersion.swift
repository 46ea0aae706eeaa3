/// A Kubernetes version: `1.33` (a minor) or `1.33.4` (a patch).
public struct KubernetesVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var major: Int
    public var minor: Int
    public var patch: Int?

    public init(major: Int, minor: Int, patch: Int? = nil) {
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    /// - Throws: `FleetModelError` (`invalidVersion`) when `text` is not of the form `[v]1.33[.4]`.
    public init(_ text: String) throws {
        let plain = text.hasPrefix("v") ? text.dropFirst() : text[...]
        let parts = plain.split(separator: ".", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { part in part.utf8.allSatisfy { (48...57).contains($0) } ? Int(part) : nil }
        guard (2...3).contains(parts.count), numbers.count == parts.count else {
            throw FleetModelError(.invalidVersion, "'\(text)' is not a Kubernetes version such as 1.33 or 1.33.4.")
        }
        self.init(major: numbers[0], minor: numbers[1], patch: numbers.count == 3 ? numbers[2] : nil)
    }

    /// Without its patch, as the EKS API names versions.
    public var minorVersion: KubernetesVersion { KubernetesVersion(major: major, minor: minor) }

    public var description: String { patch.map { "\(major).\(minor).\($0)" } ?? "\(major).\(minor)" }

    public static func < (a: Self, b: Self) -> Bool {
        (a.major, a.minor, a.patch ?? -1) < (b.major, b.minor, b.patch ?? -1)
    }
}

extension KubernetesVersion: Codable {
    public init(from decoder: any Decoder) throws { try self.init(try decoder.singleValueContainer().decode(String.self)) }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
