/// How one etcd version is told what changed its name between 3.4 and 3.6.
public struct EtcdCapabilities: Sendable {
    public let version: EtcdVersion

    public init(_ version: EtcdVersion) { self.version = version }

    /// Flags that only some versions have, or have under another name.
    ///
    /// Not the initial corruption check: each member asks the others for their hash before it serves, so that members that start
    /// together wait for each other until their requests time out. Seen with three killed at once: 7 of 10 seconds of outage.
    ///
    /// Sources: the programs' `--help`, and the flags of the tags v3.4.0 to v3.6.5 in etcd's repository.
    /// - Parameter quotaBytes: of the database; negative when it has none.
    public func versionedArguments(quotaBytes: Int64) -> [String] {
        commonArguments + bootstrapDefragmentation(quotaBytes: quotaBytes)
    }

    private var commonArguments: [String] {
        switch version.minor {
        case 4:
            // zap is the default from 3.5 on. The v2 API is off by default and is said anyway, because it bypasses what
            // Kubernetes stores.
            ["--logger=zap", "--enable-v2=false"] + progressNotification
        case 5:
            ["--enable-v2=false"] + compactHashCheck + progressNotification
        default:
            ["--feature-gates=CompactHashCheck=true", "--watch-progress-notify-interval=5s"]
        }
    }

    /// Since 3.5.0. A member that has just joined may have a file above the quota that is mostly free: it must not begin its service
    /// with an alarm. Half the quota, so that members that come back otherwise lose no time with it.
    private func bootstrapDefragmentation(quotaBytes: Int64) -> [String] {
        guard version.minor >= 5, quotaBytes > 0 else { return [] }
        let prefix = version.minor == 5 ? "experimental-" : ""
        return ["--\(prefix)bootstrap-defrag-threshold-megabytes=\(max(quotaBytes >> 21, 1))"]
    }

    /// Since 3.5.5: the leader compares the members' hashes after each compaction.
    private var compactHashCheck: [String] {
        version.minor == 5 && version.patch >= 5 ? ["--experimental-compact-hash-check-enabled=true"] : []
    }

    /// Since 3.4.11. Every five seconds, as kubeadm has it, a watch hears how far it is: the API server's caches stay fresh.
    private var progressNotification: [String] {
        version.minor > 4 || version.patch >= 11 ? ["--experimental-watch-progress-notify-interval=5s"] : []
    }
}
