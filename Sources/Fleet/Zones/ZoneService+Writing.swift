import FleetModel
import FleetStore
import Foundation
import Logging
import Observability
import Planning
import Synchronization
import Timing

extension ZoneService {
    /// Writes what was found and decided. A store that does not answer holds up nothing but this: the next look asks again.
    func write() async {
        for await _ in signals.writes {
            do {
                try await writeEvacuation()
                try await writeRestoration()
                try await writeReports()
                try await writeIsolation()
            } catch let error as StoreError where error.code == .conflict {
                // Somebody else wrote; the watch tells what, and the next look asks again.
            } catch is CancellationError {
                return
            } catch {
                logger.warning("what was found of the zones could not be written yet", metadata: ["error": "\(error)"])
            }
            measure()
        }
    }

    private func writeEvacuation() async throws {
        guard let (zone, reason) = state.withLock({ $0.evacuating }) else { return }
        let stored = zones.values
        let objections = EvacuationGuard().invariant(zone, stored.map(\.value))
        guard let old = stored.first(where: { $0.value.name == zone }), objections.isEmpty, !old.value.isEvacuated else {
            for objection in objections { logger.warning("zone not evacuated", metadata: ["zone": "\(zone)", "reason": "\(objection)"]) }
            state.withLock { $0.evacuating = nil }
            return publish()
        }
        try await change(old, to: .evacuated, reason, unlessChanged: stored)
        let finding = state.withLock { state in
            state.evacuating = nil
            return state.findings[zone]
        }
        publish()
        logger.warning(
            "zone evacuated",
            metadata: ["zone": "\(zone)", "reason": "\(reason)", "evidence": "\(finding?.evidence.joined(separator: "; ") ?? "")"])
    }

    private func writeRestoration() async throws {
        guard let (zone, reason) = state.withLock({ $0.restoring }) else { return }
        if let old = zones.values.first(where: { $0.value.name == zone }), old.value.isEvacuated {
            try await change(old, to: .inService, reason, unlessChanged: [old])
            logger.notice("zone restored", metadata: ["zone": "\(zone)", "reason": "\(reason)"])
        }
        state.withLock { $0.restoring = nil }
        publish()
    }

    /// With the zone as it was read, and the others as well, so that two evacuations never both succeed (invariant 5).
    private func change(
        _ old: Stored<Zone>, to service: ZoneServiceState, _ reason: String, unlessChanged stored: [Stored<Zone>]
    ) async throws {
        var new = old.value
        new.spec = new.spec.changed(to: service, by: ZoneSpec.automatic, reason: reason, at: time.now)
        let revision = try await store.commit(
            [try .put(new)], if: stored.map { .unchanged($0.value.storeKey, modRevision: $0.modRevision) })
        zones.put(Stored(value: new, modRevision: revision))
    }

    private func writeReports() async throws {
        let (findings, questions) = state.withLock { ($0.findings, $0.questions) }
        let now = time.now
        for old in zones.values {
            guard let finding = findings[old.value.name] else { continue }
            var evidence = finding.evidence
            if let question = questions[old.value.name] { evidence.append("not evacuated by itself: \(question)") }
            let report = ZoneReport(
                cell: configuration.cell, health: finding.health, evidence: evidence,
                since: now.addingTimeInterval(-finding.lasts.seconds))
            if let known = old.value.status.report(of: configuration.cell), known.health == report.health, known.evidence == report.evidence
            {
                continue
            }
            let written = try await store.update(old) { zone in
                var zone = zone
                zone.status = zone.status.with(report)
                return zone
            }
            if let written { zones.put(written) }
            logger.log(
                level: finding.health.isImpaired ? .warning : .notice, "zone found \(finding.health.text)",
                metadata: ["zone": "\(old.value.name)", "evidence": "\(evidence.joined(separator: "; "))"])
        }
    }

    private func writeIsolation() async throws {
        let (wanted, stored) = state.withLock { ($0.isolated, $0.stored) }
        guard wanted != stored else { return }
        // Only the leader writes it, and its store refuses whoever is not the leader any more.
        try await store.commit([try .put(CellIsolation(cell: configuration.cell, wanted))], if: [])
        state.withLock { $0.stored = wanted }
    }

    private func measure() {
        for zone in zones.values.map(\.value) {
            RegionMetrics.zone(zone.name.rawValue, health: zone.status.health.metric, isEvacuated: zone.isEvacuated)
        }
    }
}

extension ZoneHealth {
    fileprivate var metric: Double {
        switch self {
        case .healthy: 1
        case .impaired: 0
        case .unknown: -1
        }
    }
}
