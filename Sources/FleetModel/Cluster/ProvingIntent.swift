import Foundation

/// A release that an update has brought to its end, and that may yet turn out to be no good: then it is taken back.
public struct ProvingIntent: Codable, Hashable, Sendable {
    /// As it was when it ended.
    public var update: UpdateIntent
    /// Afterwards the release stays.
    public var until: Date

    public init(update: UpdateIntent, until: Date) {
        self.update = update
        self.until = until
    }
}

extension ClusterSpec {
    /// Begins the last update anew, on its way back: to the releases of before, and nothing else. What was changed since then stays.
    /// Nothing where no release is being proved.
    public mutating func takeBack(_ reversal: UpdateIntent.Reversal) {
        guard update == nil, var past = proving?.update else { return }
        let etcd = controlPlane.etcdRelease
        controlPlane.release = past.previous.release
        controlPlane.version = past.previous.version
        if !past.hasMovedEtcd { controlPlane.etcdRelease = past.previous.etcdRelease }
        past.previous = controlPlane
        past.previousSettings = settings
        past.previousRotation = rotation
        past.startedAt = reversal.decidedAt
        past.abandonedEtcdRelease = controlPlane.etcdRelease == etcd ? nil : etcd
        // It has gone over for good, and has no part in this any more.
        if past.hasMovedEtcd { (past.hasMovedEtcd, past.changesEtcdStorage) = (false, false) }
        past.reversal = reversal
        update = past
        proving = nil
    }
}
