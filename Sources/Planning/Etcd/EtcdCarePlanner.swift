import FleetModel
import Foundation

/// What etcd's care may do.
public struct EtcdCarePolicy: Hashable, Sendable {
    /// A member is defragmented when that gives back this many bytes at least…
    public var worthwhileBytes: Int64 = 64 << 20
    /// …and this share of its database.
    public var worthwhileShare = 0.5
    /// From this share of the quota on, a fifth of that share is enough: what is free is needed.
    public var crowdedShare = 0.8
    /// Seconds from one defragmentation of a member to its next, unless an alarm stands.
    public var defragmentationPause: Double = 600
    /// Seconds from a defragmentation that is asked for, and failed, to the next.
    public var retryInterval: Double = 60
    /// Seconds between two while an alarm stands.
    public var cureInterval: Double = 10
    /// An alarm NOSPACE is ended only when the databases are below this share of the quota: else it would come back at once.
    public var roomyShare = 0.9

    public init() {}
}

/// What is to be done for a cluster's etcd: compaction, defragmentation, alarms, comparison of contents. Pure.
///
/// One thing at a time: while a member is defragmented it answers nobody, so each next look must find all of them well.
public struct EtcdCarePlanner: Sendable {
    public var policy: EtcdCarePolicy

    public init(policy: EtcdCarePolicy = EtcdCarePolicy()) { self.policy = policy }

    public func action(_ seen: EtcdCareObservation, now: Date) -> EtcdCareAction? {
        guard seen.hasQuorum else { return nil }
        if seen.has(.corrupt), let action = cureCorruption(seen, now: now) { return action }
        if seen.has(.noSpace) { return cureNoSpace(seen, now: now) }
        if let action = defragmentation(seen, now: now) { return action }
        return isHashCheckDue(seen, now: now) ? .compareHashes : nil
    }

    /// An alarm CORRUPT stops all writes. It is ended when every member that votes was seen to have the same content: the one that
    /// had another is gone, or was made anew. Which one that is, is what the comparison finds out.
    private func cureCorruption(_ seen: EtcdCareObservation, now: Date) -> EtcdCareAction? {
        guard let check = seen.hashCheck, now.timeIntervalSince(check.at) < policy.cureInterval else { return .compareHashes }
        // A member that does not answer now may be the one, and vote again later.
        guard check.result == .equal, seen.corruptMembers.isEmpty, Set(check.members) == Set(seen.voters) else { return nil }
        return .disarmCorrupt
    }

    /// Room is made by forgetting history and by giving back what is free; only when that was enough the alarm is ended.
    private func cureNoSpace(_ seen: EtcdCareObservation, now: Date) -> EtcdCareAction? {
        if seen.compactedTo.map({ $0 < seen.revision }) ?? true { return .compact(to: seen.revision) }
        // One after the other, and only with all of them: with one missing, one more that does not answer is an outage.
        guard seen.isComplete else { return nil }
        let fragmented = seen.wanted.filter { name in
            guard let page = seen.members[name] else { return false }
            let free = page.databaseBytes - page.inUseBytes
            let isRecent = seen.lastDefragmentation[name].map { now.timeIntervalSince($0) < policy.cureInterval } ?? false
            return free * 20 > page.databaseBytes && !isRecent
        }
        if let action = next(of: fragmented, seen) { return action }
        return hasRoom(seen) ? .disarmNoSpace : nil
    }

    /// All databases are well below the quota.
    public func hasRoom(_ seen: EtcdCareObservation) -> Bool {
        seen.members.values.allSatisfy { Double($0.databaseBytes) < Double(seen.quotaBytes) * policy.roomyShare }
    }

    private func defragmentation(_ seen: EtcdCareObservation, now: Date) -> EtcdCareAction? {
        guard seen.isSettled, seen.isComplete, seen.alarms.isEmpty else { return nil }
        let worthwhile = seen.wanted.filter { name in
            if let since = seen.toBeDefragmentedSince, seen.defragmentedAt[name].map({ $0 < since }) ?? true {
                return seen.lastDefragmentation[name].map { abs(now.timeIntervalSince($0)) >= policy.retryInterval } ?? true
            }
            guard let page = seen.members[name], pays(page, quota: seen.quotaBytes) else { return false }
            return seen.lastDefragmentation[name].map { now.timeIntervalSince($0) >= policy.defragmentationPause } ?? true
        }
        return next(of: worthwhile, seen)
    }

    /// It is worth that the member is silent for a while.
    private func pays(_ page: EtcdMetricsPage, quota: Int64) -> Bool {
        let free = Double(page.databaseBytes - page.inUseBytes)
        let isCrowded = quota > 0 && Double(page.databaseBytes) > Double(quota) * policy.crowdedShare
        let share = isCrowded ? policy.worthwhileShare / 5 : policy.worthwhileShare
        let bytes = isCrowded ? min(Double(policy.worthwhileBytes), Double(quota) / 20) : Double(policy.worthwhileBytes)
        return free >= bytes && free >= Double(page.databaseBytes) * share
    }

    /// Followers first. The leader hands over to one that is done already, and is a follower then.
    private func next(of members: [String], _ seen: EtcdCareObservation) -> EtcdCareAction? {
        if let follower = members.first(where: { $0 != seen.leader }) { return .defragment(follower) }
        guard let leader = members.first else { return nil }
        guard let heir = seen.voters.first(where: { $0 != leader }) else { return .defragment(leader) }
        return .moveLeader(from: leader, to: heir)
    }

    private func isHashCheckDue(_ seen: EtcdCareObservation, now: Date) -> Bool {
        guard seen.reachableVoters.count > 1 else { return false }
        guard let last = seen.hashCheck else { return seen.isComplete }
        let age = now.timeIntervalSince(last.at)
        // A member that differs is looked at often: as soon as it is made anew, that is to be said.
        if last.result != .equal || !seen.corruptMembers.isEmpty { return age >= policy.cureInterval }
        return seen.isComplete && age >= EtcdConsistency.interval(inUseBytes: seen.members.values.map(\.inUseBytes).max() ?? 0)
    }
}
