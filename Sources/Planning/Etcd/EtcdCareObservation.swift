import FleetModel
import Foundation

/// A cluster's etcd as its care sees it.
public struct EtcdCareObservation: Sendable {
    public var cluster: ClusterName
    /// The members that the cluster should have, by name.
    public var wanted: [String]
    /// What those said that answered, by name.
    public var members: [String: EtcdMetricsPage]
    /// Those that join the others: clients, and so what is asked for here, do not reach them.
    public var joining: Set<String>
    public var alarms: [EtcdAlarmReport]
    /// Nothing else is done to the control plane just now, and nothing of it is out of order.
    public var isSettled: Bool
    /// Of the last compaction since the alarm was seen.
    public var compactedTo: Int64?
    public var lastDefragmentation: [String: Date]
    public var defragmentedAt: [String: Date]
    /// Each member is to be defragmented that was not since then.
    public var toBeDefragmentedSince: Date?
    public var hashCheck: EtcdHashCheck?
    public var corruptMembers: Set<String>

    public init(
        cluster: ClusterName, wanted: [String], members: [String: EtcdMetricsPage], joining: Set<String> = [],
        alarms: [EtcdAlarmReport] = [], isSettled: Bool = true,
        compactedTo: Int64? = nil, lastDefragmentation: [String: Date] = [:], defragmentedAt: [String: Date] = [:],
        toBeDefragmentedSince: Date? = nil,
        hashCheck: EtcdHashCheck? = nil,
        corruptMembers: Set<String> = []
    ) {
        self.cluster = cluster
        self.wanted = wanted
        self.members = members
        self.joining = joining
        self.alarms = alarms
        self.isSettled = isSettled
        self.compactedTo = compactedTo
        self.lastDefragmentation = lastDefragmentation
        self.defragmentedAt = defragmentedAt
        self.toBeDefragmentedSince = toBeDefragmentedSince
        self.hashCheck = hashCheck
        self.corruptMembers = corruptMembers
    }

    /// Those that follow a leader and vote.
    public var voters: [String] { members.filter { $0.value.hasLeader && !$0.value.isLearner }.keys.sorted() }
    /// Those of them whom clients reach.
    public var reachableVoters: [String] { voters.filter { !joining.contains($0) } }
    public var leader: String? { members.filter { $0.value.isLeader && $0.value.hasLeader }.keys.sorted().first }
    public var hasQuorum: Bool { leader != nil && voters.count * 2 > wanted.count }
    public var isComplete: Bool { leader != nil && voters == wanted.sorted() && joining.isEmpty }
    /// The member that is asked for what concerns all: the leader, or, while clients do not reach that, another.
    public var asked: String? { reachableVoters.first { $0 == leader } ?? reachableVoters.first }
    public var quotaBytes: Int64 { members.values.map(\.quotaBytes).filter { $0 > 0 }.min() ?? 0 }
    public var revision: Int64 { members.values.map(\.revision).max() ?? 0 }

    func has(_ kind: EtcdAlarmReport.Kind) -> Bool { alarms.contains { $0.kind == kind } }
}

/// One thing to do for etcd. Each may be repeated or lost.
public enum EtcdCareAction: Hashable, Sendable {
    /// Forget what was before this revision.
    case compact(to: Int64)
    case moveLeader(from: String, to: String)
    /// Gives a member's free room back to the disk; the member answers nobody meanwhile.
    case defragment(String)
    case disarmNoSpace
    case disarmCorrupt
    /// Compare the contents of the members.
    case compareHashes

    /// For people, as `Action.title` is.
    public var title: String {
        switch self {
        case .compact(let revision): "compact etcd to revision \(revision)"
        case .moveLeader(let from, let to): "move etcd leadership from \(from) to \(to)"
        case .defragment(let member): "defragment \(member)"
        case .disarmNoSpace: "end etcd's alarm NOSPACE"
        case .disarmCorrupt: "end etcd's alarm CORRUPT"
        case .compareHashes: "compare the contents of etcd's members"
        }
    }
}
