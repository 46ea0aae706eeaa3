import Foundation

/// What was seen of a cluster's etcd, and what was found out about it: its care's memory.
public struct EtcdReport: Codable, Hashable, Sendable {
    public var members: [EtcdMemberReport] = []
    /// Of each member's database, in bytes; nil until one has told.
    public var quotaBytes: Int64?
    public var alarms: [EtcdAlarmReport] = []
    public var hashCheck: EtcdHashCheck?
    /// Members whose content is another than that of the majority.
    public var corruptMembers: Set<String> = []
    /// When a majority of the members last followed one leader.
    public var lastQuorumAt: Date?
    /// The highest revision that any member showed then.
    public var lastQuorumRevision: Int64?
    /// When it was last tried to defragment each member's database, by its name.
    public var lastDefragmentation: [String: Date] = [:]
    /// When the last defragmentation of each began that succeeded; nil: none has.
    public var defragmentedAt: [String: Date]?
    public var checkedAt: Date?

    public init() {}

    /// - Parameter began: when.
    public mutating func noteDefragmented(_ member: String, began: Date) {
        defragmentedAt = (defragmentedAt ?? [:]).merging([member: began]) { $1 }
    }

    /// The member's content is another from now on.
    public mutating func forget(_ member: String) {
        corruptMembers.remove(member)
        lastDefragmentation[member] = nil
        defragmentedAt?[member] = nil
    }
}

/// One member, from its own metrics.
public struct EtcdMemberReport: Codable, Hashable, Sendable {
    /// The instance's name.
    public var name: String
    public var isLeader: Bool
    /// Of the database file.
    public var databaseBytes: Int64
    /// Of it, what holds data; the rest is free for new data, and given back by defragmentation.
    public var inUseBytes: Int64
    /// 99 of 100 writes to the log reached the disk within this time, in seconds; nil before the second look.
    public var fsyncP99: Double?
    /// Seen by the member's process since it started.
    public var leaderChanges: Int
    public var revision: Int64

    public init(
        name: String, isLeader: Bool, databaseBytes: Int64, inUseBytes: Int64, fsyncP99: Double?, leaderChanges: Int, revision: Int64
    ) {
        self.name = name
        self.isLeader = isLeader
        self.databaseBytes = databaseBytes
        self.inUseBytes = inUseBytes
        self.fsyncP99 = fsyncP99
        self.leaderChanges = leaderChanges
        self.revision = revision
    }
}

/// An alarm that etcd itself has raised. While it stands, etcd takes no writes.
public struct EtcdAlarmReport: Codable, Hashable, Sendable {
    public enum Kind: String, Codable, Hashable, Sendable { case noSpace = "NOSPACE", corrupt = "CORRUPT", other = "OTHER" }

    public var kind: Kind
    /// The member that raised it; nil when it is none of the present ones.
    public var member: String?

    public init(kind: Kind, member: String?) {
        self.kind = kind
        self.member = member
    }
}

/// A comparison of the hashes of all keys and values up to one revision.
public struct EtcdHashCheck: Codable, Hashable, Sendable {
    public enum Result: String, Codable, Hashable, Sendable {
        /// All members have the same.
        case equal
        /// The majority has the same, and the others not.
        case different
        /// No two of three have the same, or too few answered.
        case undecided
    }

    public var at: Date
    public var revision: Int64
    public var result: Result
    /// The members whose content was compared.
    public var members: [String]

    public init(at: Date, revision: Int64, result: Result, members: [String]) {
        self.at = at
        self.revision = revision
        self.result = result
        self.members = members
    }
}
