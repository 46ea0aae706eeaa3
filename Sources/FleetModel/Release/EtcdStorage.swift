/// What an etcd version does to the data of another one. etcd goes up one minor at a time, and never down once all members have
/// gone up ("Upgrading etcd clusters and applications" in its documentation).
public enum EtcdStorage {
    public enum Change: Hashable, Sendable {
        /// The same minor: each reads what the other wrote.
        case same
        case next
        /// Back to a minor of before: refused by etcd once all members have gone up.
        case downgrade
        /// More than one minor at once.
        case skip
    }

    /// - Parameters: versions such as `3.5.16`.
    /// - Throws: `FleetModelError` (`invalidVersion`).
    public static func change(from old: String, to new: String) throws -> Change {
        let (old, new) = (try KubernetesVersion(old), try KubernetesVersion(new))
        if (new.major, new.minor) == (old.major, old.minor) { return .same }
        if new.minorVersion < old.minorVersion { return .downgrade }
        return new.major == old.major && new.minor == old.minor + 1 ? .next : .skip
    }
}
