import Foundation

/// A member of the etcd that a snapshot is restored for.
public struct RestoredMember: Hashable, Sendable {
    public var name: String
    public var peerURL: String

    public init(name: String, peerURL: String) {
        self.name = name
        self.peerURL = peerURL
    }
}

/// Makes a member's data directory out of a snapshot.
///
/// All members of a cluster must be restored from the same snapshot with the same settings before one of them starts; each then
/// has a log of its own that begins with the same membership.
public struct SnapshotRestore: Sendable {
    public let tool: SnapshotTool
    /// In order; the same for all.
    public var members: [RestoredMember]
    /// Part of the new cluster's and members' IDs: another one each time, so that a member with older data that comes back can
    /// never take part.
    public var token: String
    /// How far the revision is raised above the snapshot's, with everything below marked as compacted: clients that watched
    /// the former data are told to list again. 0: not. Passed over where the tool cannot (before etcd 3.5.9; etcdctl).
    public var revisionRise: Int64
    /// For a database file out of a data directory, which has no checksum at its end.
    public var skipsChecksum: Bool

    /// How far to raise the revision so that it never goes back for anybody: not below what the cluster had, nor below what an
    /// earlier restore raised it to.
    ///
    /// The new revision grows with time, by more than an etcd can write; etcd's documentation of disaster recovery asks for
    /// 1,000,000,000 at least. A number of today has fourteen digits, which every JSON reader holds exactly.
    /// - Parameter date: when the restore was asked for.
    public static func rise(above snapshot: Int64, at date: Date) -> Int64 {
        max(1_000_000_000, Int64(date.timeIntervalSince1970) * 10_000 - snapshot)
    }

    public init(tool: SnapshotTool, members: [RestoredMember], token: String, revisionRise: Int64 = 0, skipsChecksum: Bool = false) {
        self.tool = tool
        self.members = members
        self.token = token
        self.revisionRise = revisionRise
        self.skipsChecksum = skipsChecksum
    }

    /// - Parameters:
    ///   - snapshot: its file.
    ///   - dataDirectory: must not exist; what an interrupted call left there is removed.
    /// - Throws: `BackupError` (`tool`, `storage`).
    public func restore(_ snapshot: String, member: RestoredMember, to dataDirectory: String) async throws {
        try await Files.blocking { try Files.remove(dataDirectory) }
        let cluster = members.map { "\($0.name)=\($0.peerURL)" }.joined(separator: ",")
        var arguments = [
            "snapshot", "restore", snapshot, "--data-dir=\(dataDirectory)", "--name=\(member.name)", "--initial-cluster=\(cluster)",
            "--initial-cluster-token=\(token)", "--initial-advertise-peer-urls=\(member.peerURL)",
        ]
        if skipsChecksum { arguments.append("--skip-hash-check=true") }
        if revisionRise > 0, try await tool.canRaiseRevision { arguments += ["--bump-revision=\(revisionRise)", "--mark-compacted"] }
        do {
            try await tool.run(arguments)
        } catch {
            try? await Files.blocking { try Files.remove(dataDirectory) }
            throw error
        }
    }
}
