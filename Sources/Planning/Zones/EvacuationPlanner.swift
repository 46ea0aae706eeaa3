import FleetModel
import Foundation

/// What to do about zones.
public enum EvacuationDecision: Hashable, Sendable {
    case evacuate(ZoneName, reason: String)
    case restore(ZoneName, reason: String)
    /// It would be evacuated, but for a reason that only people can judge.
    case ask(ZoneName, reason: String)
}

/// From what was found of the zones to what is done about them: by the policy, and never against invariant 5. Pure.
public struct EvacuationPlanner: Sendable {
    /// A zone that was healthy for so long may be counted on, in seconds.
    public var dependableAfter = 5.0

    public init() {}

    public struct Situation: Sendable {
        public var zones: [Zone]
        public var policy: RegionPolicy
        /// Of the cell whose probes speak.
        public var findings: [ZoneName: ZoneFinding]
        public var scope: ZoneAssessment.Scope
        /// For the question whether the other zones carry the load.
        public var clusters: [Cluster]
        public var now: Date

        public init(
            zones: [Zone], policy: RegionPolicy, findings: [ZoneName: ZoneFinding], scope: ZoneAssessment.Scope, clusters: [Cluster],
            now: Date
        ) {
            self.zones = zones
            self.policy = policy
            self.findings = findings
            self.scope = scope
            self.clusters = clusters
            self.now = now
        }

        func finding(_ zone: ZoneName) -> ZoneFinding? { findings[zone] }
    }

    /// At most one decision for each zone; at most one evacuation in all.
    public func decisions(_ situation: Situation) -> [EvacuationDecision] {
        guard situation.policy.evacuation == .auto else { return [] }
        let evacuated = situation.zones.filter(\.isEvacuated)
        let impaired = situation.zones.filter { situation.finding($0.name)?.health.isImpaired == true }
        if let out = evacuated.first { return restoration(of: out, impaired, situation).map { [$0] } ?? [] }
        // Two zones that fail at once, or everything: nothing is gained by taking one out.
        guard impaired.count == 1, let zone = impaired.first, let finding = situation.finding(zone.name) else { return [] }
        switch situation.scope {
        case .zones, .everything, .cutOff: return []
        case .fine, .components, .instances, .zone: break
        }
        if !zone.spec.isAutomatic, situation.now.timeIntervalSince(zone.spec.since) < finding.lasts.inSeconds {
            // Somebody put it back into service knowing this.
            return []
        }
        let judge = EvacuationGuard()
        if !judge.invariant(zone.name, situation.zones).isEmpty { return [] }
        let reason = finding.evidence.first ?? finding.health.text
        // A zone that is dead carries nothing already; one that is only slow still carries its part.
        let isTotal = finding.health.failures.contains(where: \.isTotal)
        if !isTotal, let objection = judge.capacity(zone.name, situation.clusters).first {
            return [.ask(zone.name, reason: "\(reason). \(objection.message) `slipway zone evacuate \(zone.name) --force` does it")]
        }
        return [.evacuate(zone.name, reason: reason)]
    }

    private func restoration(of zone: Zone, _ impaired: [Zone], _ situation: Situation) -> EvacuationDecision? {
        if situation.clusters.isEmpty, zone.spec.isAutomatic, situation.finding(zone.name)?.health.isImpaired != true {
            // Nothing is left by which it could be judged, and nothing that could suffer.
            return situation.now.timeIntervalSince(zone.spec.since) >= situation.policy.restoreAfter
                ? .restore(zone.name, reason: "there is no cluster any more") : nil
        }
        // Other cells look at their own clusters, and may know better.
        guard let finding = situation.finding(zone.name), !zone.status.health.isImpaired else { return nil }
        // What was there has been ended with the evacuation: only taking the zone back tells how it is.
        let isTrial = finding.isEmpty && finding.health == .unknown
        guard finding.health == .healthy || isTrial && zone.spec.isAutomatic else { return nil }
        let seconds = finding.lasts.inSeconds
        if let other = impaired.first(where: { $0.name != zone.name }) {
            // Whoever asked for it: with another zone failing, this one is needed, and it is well.
            guard seconds >= dependableAfter else { return nil }
            return .restore(
                zone.name,
                reason: "zone \(other.name) is \(situation.finding(other.name)?.health.text ?? "impaired"), and this one is needed"
            )
        }
        guard zone.spec.isAutomatic, seconds >= situation.policy.restoreAfter,
            situation.now.timeIntervalSince(zone.spec.since) >= situation.policy.restoreAfter
        else { return nil }
        return .restore(zone.name, reason: isTrial ? "nothing is left there to judge it by" : "healthy for \(Int(seconds)) s")
    }
}

extension Duration {
    /// As a number.
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
