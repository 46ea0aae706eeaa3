import Controller
import EtcdClient
import FleetModel
import FleetStore
import Foundation
import Logging
import Planning
import Timing

/// Takes care of one cluster's etcd after the other: looks, says what it saw, and does what pays.
struct EtcdCareReconciler: Reconciler {
    let kind = "etcd"
    let cell: CellName
    let store: any FleetStore
    let accessing: any EtcdConnecting
    let maintenance: EtcdMaintenance
    let planner: EtcdCarePlanner
    let memory: EtcdCareMemory
    let time: TimeSource
    let logger: Logger

    /// From one look to the next: an alarm is seen within this time and what one look takes.
    private static let interval = Duration.seconds(5)

    func reconcile(_ name: ClusterName) async throws -> Outcome {
        guard let stored = try await store.get(Cluster.self, StoreKeys.cluster(name, in: cell)),
            stored.value.metadata.deletionRequestedAt == nil
        else {
            memory.forget(name)
            return .absent
        }
        let cluster = stored.value
        guard cluster.status.activeSince != nil else { return .waiting("the cluster is not active yet", recheck: Self.interval) }
        let access = try await accessing.access(to: cluster)
        let seen = try await observe(cluster, access)
        let report = EtcdCareReporting(cluster: cluster, seen: seen, memory: memory, now: time.now).report()
        let action = planner.action(seen, now: time.now)
        try await write(stored, seen, report)
        EtcdCareMetrics.publish(cluster.name, report)
        guard let action else { return .waiting("nothing to do for etcd", recheck: Self.interval) }
        try await carryOut(action, cluster, access, seen)
        // One that was done at once asks for the next look.
        return .waiting(action.title, recheck: action == .compareHashes ? Self.interval : .milliseconds(500))
    }

    private func observe(_ cluster: Cluster, _ access: EtcdConnections) async throws -> EtcdCareObservation {
        let (pages, isAlarmed) = await maintenance.look(access)
        let report = cluster.status.etcd
        var seen = EtcdCareObservation(
            cluster: cluster.name, wanted: access.members.map(\.name), members: pages,
            joining: Set(cluster.status.instances.filter { $0.isJoining == true }.map(\.name)),
            isSettled: cluster.status.conditions.contains { $0.kind == .progressing && $0.status == .no },
            lastDefragmentation: report?.lastDefragmentation ?? [:],
            defragmentedAt: report?.defragmentedAt ?? [:],
            toBeDefragmentedSince: cluster.spec.encryption?.freshFilesSince, hashCheck: report?.hashCheck,
            corruptMembers: report?.corruptMembers ?? [])
        if isAlarmed, let member = seen.asked {
            seen.alarms = try await maintenance.alarms(access, asking: member)
        }
        seen.compactedTo = memory.compaction(of: cluster.name, isAlarmed: !seen.alarms.isEmpty)
        return seen
    }

    private func carryOut(_ action: EtcdCareAction, _ cluster: Cluster, _ access: EtcdConnections, _ seen: EtcdCareObservation) async throws
    {
        guard let asked = seen.asked else { return }
        var step = StepRecord(title: action.title, startedAt: time.now)
        var finding: (EtcdConsistency.Verdict, revision: Int64)?
        var failure: (any Error)?
        do {
            switch action {
            case .compact(let revision):
                try await maintenance.compact(access, to: revision, asking: asked)
                memory.compacted(cluster.name, to: revision)
            case .moveLeader(let from, let to): try await maintenance.moveLeader(access, from: from, to: to)
            case .defragment(let member):
                // Else what is being forgotten just now would be taken along. It returns when the member has done that.
                if seen.toBeDefragmentedSince != nil { try await maintenance.compact(access, to: 1, asking: member) }
                try await maintenance.defragment(access, member: member, bytes: seen.members[member]?.databaseBytes ?? 0)
            case .disarmNoSpace: try await maintenance.disarm(access, .noSpace, asking: asked)
            case .disarmCorrupt: try await maintenance.disarm(access, .corrupt, asking: asked)
            case .compareHashes: finding = try await maintenance.compare(access, members: seen.reachableVoters, voters: seen.wanted.count)
            }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            failure = error
            step.error = "\(error)"
        }
        step.finishedAt = time.now
        let level: Logger.Level = failure != nil ? .warning : action == .compareHashes ? .debug : .info
        var metadata: Logger.Metadata = ["cluster": "\(cluster.name)", "action": "\(action.title)"]
        metadata["error"] = step.error.map { "\($0)" }
        logger.log(level: level, failure == nil ? "done" : "failed", metadata: metadata)
        try await record(action, step, finding, cluster, seen)
        if let failure { throw failure }
    }

    /// What was done, and found out, into the cluster's status.
    private func record(
        _ action: EtcdCareAction, _ step: StepRecord, _ finding: (verdict: EtcdConsistency.Verdict, revision: Int64)?, _ cluster: Cluster,
        _ seen: EtcdCareObservation
    ) async throws {
        let now = time.now
        _ = try await store.update(Cluster.self, cluster.storeKey) { current in
            guard current.metadata.uid == cluster.metadata.uid else { return nil }
            var new = current
            var report = current.status.etcd ?? EtcdReport()
            // A comparison is no step: it comes every minute and changes nothing.
            if action != .compareHashes { new.status.add([step]) }
            if case .defragment(let member) = action {
                report.lastDefragmentation[member] = now
                if step.error == nil { report.noteDefragmented(member, began: step.startedAt) }
            }
            if let finding {
                let (result, corrupt): (EtcdHashCheck.Result, Set<String>) =
                    switch finding.verdict {
                    case .equal: (.equal, [])
                    case .different(let members): (.different, members)
                    // Nothing new is known.
                    case .undecided: (.undecided, report.corruptMembers)
                    }
                if corrupt != report.corruptMembers {
                    logger.error("etcd members differ", metadata: ["cluster": "\(cluster.name)", "members": "\(corrupt.sorted())"])
                }
                report.hashCheck = EtcdHashCheck(at: now, revision: finding.revision, result: result, members: seen.reachableVoters)
                report.corruptMembers = corrupt
            }
            new.status.etcd = report
            return new
        }
    }

    private func write(_ stored: Stored<Cluster>, _ seen: EtcdCareObservation, _ report: EtcdReport) async throws {
        let now = time.now
        _ = try await store.update(stored) { current in
            guard current.metadata.uid == stored.value.metadata.uid else { return nil }
            let conditions = EtcdCareStatus(planner: planner).conditions(seen, old: current.status.conditions, now: now)
            var new = current
            new.status.conditions = current.status.conditions.filter { old in !conditions.contains { $0.kind == old.kind } } + conditions
            // Its findings belong to whoever found them; here only what was seen is new.
            new.status.etcd = report
            new.status.etcd?.corruptMembers = current.status.etcd?.corruptMembers ?? []
            new.status.etcd?.hashCheck = current.status.etcd?.hashCheck
            new.status.etcd?.lastDefragmentation = current.status.etcd?.lastDefragmentation ?? [:]
            new.status.etcd?.defragmentedAt = current.status.etcd?.defragmentedAt
            let isNews = EtcdCareReporting.isNews(report, since: current.status.etcd) || new.status.conditions != current.status.conditions
            return isNews ? new : nil
        }
    }
}
