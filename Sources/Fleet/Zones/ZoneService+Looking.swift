import FleetModel
import FleetStore
import Foundation
import Logging
import Planning
import Synchronization
import Timing

extension ZoneService {
    /// Looks, judges, and tells the board in the same breath; what is to be written is left to the writer.
    func look() async throws {
        var planner = ZoneHealthPlanner(policy: configuration.policy, zones: configuration.region.zones)
        var planned = time.uptime + configuration.interval
        var isFirst = true
        while true {
            try await time.sleep(for: max(.zero, planned - time.uptime))
            let lateness = max(.zero, time.uptime - planned)
            planned = max(planned, time.uptime) + configuration.interval
            let sampling = currentSampling()
            let samples = await probe.look(at: sampling.endpoints)
            let views = witnesses.views(of: sampling, samples)
            let assessment = planner.judge(
                ProbeTick(
                    now: time.uptime, lateness: lateness, samples: samples, underWork: sampling.underWork, knownReady: sampling.knownReady,
                    knownOut: isFirst ? knownOut(sampling) : [], knownStopped: sampling.knownStopped, backends: views.backends,
                    peers: views.peers))
            isFirst = isFirst && sampling.endpoints.isEmpty
            heed(assessment)
        }
    }

    private func currentSampling() -> ProbeSampling {
        if let known = state.withLock({ $0.sampling }) { return known }
        let sampling = ProbeSampling(clusters.values.map(\.value))
        state.withLock { $0.sampling = sampling }
        return sampling
    }

    /// What the last leader found dead.
    private func knownOut(_ sampling: ProbeSampling) -> Set<ProbeSubject> {
        let isolated = state.withLock { $0.isolated }
        return Set(sampling.endpoints.map(\.subject).filter { isolated[$0.cluster]?.contains($0.instance) == true })
    }

    private func heed(_ assessment: ZoneAssessment) {
        let decisions = decide(assessment)
        let old = state.withLock { $0.isolated }
        let (isNews, hasChanged) = state.withLock { state in
            var hasChanged = state.isolated != assessment.isolated || Self.impaired(state.findings) != Self.impaired(assessment.zones)
            if let doubted = state.doubted, time.uptime >= doubted.until {
                state.doubted = nil
                hasChanged = hasChanged || !doubted.zones.isEmpty
            }
            let isNews = hasChanged || state.findings.mapValues(\.said) != assessment.zones.mapValues(\.said)
            state.isolated = assessment.isolated
            state.findings = assessment.zones
            state.questions = [:]
            for decision in decisions {
                switch decision {
                case .evacuate(let zone, let reason):
                    hasChanged = hasChanged || state.evacuating == nil
                    state.evacuating = (zone, reason)
                case .restore(let zone, let reason): state.restoring = (zone, reason)
                case .ask(let zone, let reason): state.questions[zone] = reason
                }
            }
            return (isNews || !decisions.isEmpty || state.evacuating != nil || state.restoring != nil, hasChanged)
        }
        // The board first: everything else can wait.
        if hasChanged { publish() }
        tell(old, assessment)
        if isNews { signals.write.yield() }
    }

    private static func impaired(_ findings: [ZoneName: ZoneFinding]) -> Set<ZoneName> {
        Set(findings.filter(\.value.health.isImpaired).keys)
    }

    private func decide(_ assessment: ZoneAssessment) -> [EvacuationDecision] {
        let stored = zones.values.map(\.value)
        guard stored.contains(where: \.isEvacuated) || assessment.zones.values.contains(where: \.health.isImpaired) else { return [] }
        return EvacuationPlanner().decisions(
            EvacuationPlanner.Situation(
                zones: stored, policy: policy, findings: assessment.zones, scope: assessment.scope, clusters: clusters.values.map(\.value),
                now: time.now))
    }

    private func tell(_ old: [ClusterName: Set<String>], _ assessment: ZoneAssessment) {
        guard old != assessment.isolated else { return }
        let isOff = policy.evacuation == .off
        for (subject, failure) in assessment.out.sorted(by: { $0.key < $1.key })
        where assessment.isolated[subject.cluster]?.contains(subject.instance) == true
            && old[subject.cluster]?.contains(subject.instance) != true
        {
            logger.warning(
                isOff ? "instance does not answer; the policy is off" : "instance out of service",
                metadata: [
                    "cluster": "\(subject.cluster)", "instance": "\(subject.instance)", "zone": "\(subject.zone)",
                    "failure": "\(failure.rawValue)",
                ])
        }
        for (cluster, instances) in old.sorted(by: { $0.key < $1.key }) {
            for instance in instances.subtracting(assessment.isolated[cluster] ?? []).sorted() {
                logger.notice("instance back in service", metadata: ["cluster": "\(cluster)", "instance": "\(instance)"])
            }
        }
    }
}

extension ZoneFinding {
    /// Without what changes from look to look.
    fileprivate var said: Said { Said(health: health, evidence: evidence) }

    fileprivate struct Said: Equatable {
        var health: ZoneHealth
        var evidence: [String]
    }
}
