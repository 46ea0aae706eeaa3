import FleetModel
import Foundation
import Substrate

/// Finds what a cluster that has lost a majority of its etcd volumes can begin again from. Pure.
public struct RecoveryAssessment: Sendable {
    public var policy: PlanningPolicy

    public init(policy: PlanningPolicy = PlanningPolicy()) { self.policy = policy }

    /// - Parameters:
    ///   - report: of the time before.
    ///   - revisions: what the members that run say that they have, by name; also without a quorum.
    ///   - backups: of this cluster.
    public func proposal(
        _ intent: ControlPlaneIntent, _ observation: ControlPlaneObservation, report: EtcdReport?, revisions: [String: Int64],
        backups: [Backup]
    ) -> RecoveryProposal {
        let loss = MajorityLoss(intent, observation, policy: policy)
        let members = loss.intact.compactMap { member -> RecoveryProposal.Candidate? in
            guard observation.instance(member.id)?.isJoining != true else { return nil }
            return .init(
                kind: RecoveryProposal.Candidate.member, name: member.id.name, revision: revisions[member.id.name], at: report?.lastQuorumAt
            )
        }
        let copies = backups.filter(\.isUsable).map { backup in
            RecoveryProposal.Candidate(
                kind: RecoveryProposal.Candidate.backup, name: backup.id.rawValue, revision: backup.facts?.revision,
                at: backup.facts?.takenAt)
        }
        let candidates = (members + copies).sorted { a, b in
            // A member that was as far as a backup is has it in its own log, and needs no restore.
            (b.revision ?? 0, b.kind == RecoveryProposal.Candidate.member ? 1 : 0)
                < (a.revision ?? 0, a.kind == RecoveryProposal.Candidate.member ? 1 : 0)
        }
        // A member that has not said how far it is may be further than any backup.
        let isKnown = members.allSatisfy { $0.revision != nil }
        let source = loss.isMajority && isKnown ? candidates.first { $0.revision != nil } : nil
        return RecoveryProposal(
            cluster: intent.cluster.rawValue,
            losses: loss.lost.map { RecoveryProposal.Loss(member: $0.member.id.name, reason: $0.reason) }, source: source,
            candidates: candidates, lastKnownRevision: report?.lastQuorumRevision, lastKnownAt: report?.lastQuorumAt,
            verdict: verdict(loss, source, candidates, report))
    }

    /// Why there is no source.
    private func uncertainty(_ candidates: [RecoveryProposal.Candidate]) -> String {
        let silent = candidates.filter { $0.kind == RecoveryProposal.Candidate.member && $0.revision == nil }.map(\.name)
            .joined(separator: ", ")
        guard !silent.isEmpty else { return "Nothing is left to recover from: no member's data is intact, and there is no usable backup." }
        let text = "Not known yet: \(silent) does not say its revision; ask again in a few seconds."
        guard let copy = candidates.first(where: { $0.kind == RecoveryProposal.Candidate.backup }) else { return text }
        return text + " If it never will, `slipway backup restore \(copy.name) --in-place` gives up what \(silent) holds."
    }

    private func verdict(
        _ loss: MajorityLoss, _ source: RecoveryProposal.Candidate?, _ candidates: [RecoveryProposal.Candidate], _ report: EtcdReport?
    ) -> String {
        if loss.hasQuorum { return "Nothing is to be recovered: etcd has a quorum, and lost members are made anew by themselves." }
        guard loss.isMajority else {
            return "Nothing is to be recovered: a majority of the volumes is intact, and their members come back by themselves."
        }
        guard let source, let revision = source.revision else { return uncertainty(candidates) }
        guard let known = report?.lastQuorumRevision else {
            return "Lost is what came after revision \(revision); how much that is, nobody saw."
        }
        let rest =
            source.kind == RecoveryProposal.Candidate.member
            ? "what the lost members alone acknowledged in the moments after that, if anything"
            : "what was written after revision \(max(known, revision)), if anything"
        return known > revision
            ? "Lost are \(known - revision) changes, revisions \(revision + 1) to \(known), and \(rest)."
            : "Lost is nothing of what Slipway saw (revision \(known)); and \(rest)."
    }
}
