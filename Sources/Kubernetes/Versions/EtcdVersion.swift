/// An etcd version, as far as its command line depends on it.
public struct EtcdVersion: Hashable, Sendable, Comparable, CustomStringConvertible {
    public var major: Int
    public var minor: Int
    public var patch: Int

    /// - Throws: `KubernetesError` (`unsupportedVersion`) when `text` is not a version from 3.4 to 3.6, such as `3.5.16`.
    public init(_ text: String) throws {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 3, let major = parts[0], let minor = parts[1], let patch = parts[2], major == 3, (4...6).contains(minor) else {
            throw KubernetesError(.unsupportedVersion, "Slipway runs etcd 3.4 to 3.6 and not '\(text)'.")
        }
        self.major = major
        self.minor = minor
        self.patch = patch
    }

    public var description: String { "\(major).\(minor).\(patch)" }

    public static func < (a: Self, b: Self) -> Bool { (a.major, a.minor, a.patch) < (b.major, b.minor, b.patch) }
}
