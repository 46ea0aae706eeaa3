import FleetModel
import Substrate

extension ZoneHealthPlanner {
    struct Verdict {
        var failure: ZoneFailure
        var evidence: [String]
    }

    private struct Tally {
        var clusters = 0
        var deadClusters = 0
        var instances = 0
        var deadInstances = 0
    }

    /// Zones of which everything is dead, while the others are well.
    func totalFailures(_ tick: ProbeTick) -> [ZoneName: Verdict] {
        let judged = histories.filter(\.value.isMature)
        let byZone = Dictionary(grouping: judged, by: \.key.zone)
        let isAlone = Set(judged.keys.map(\.cluster)).count == 1
        var tallies: [ZoneName: Tally] = [:]
        for (zone, subjects) in byZone {
            var tally = Tally()
            for (_, own) in Dictionary(grouping: subjects, by: \.key.cluster) {
                let dead = own.count { isGone($0.value, tick.now) }
                tally.clusters += 1
                tally.deadClusters += dead == own.count ? 1 : 0
                tally.instances += own.count
                tally.deadInstances += dead
            }
            tallies[zone] = tally
        }
        var failed: [ZoneName: Verdict] = [:]
        for (zone, tally) in tallies {
            let others = tallies.filter { $0.key != zone }.values
            guard !others.isEmpty else { continue }
            let subjects = (byZone[zone] ?? []).sorted { $0.key < $1.key }
            let isDead: Bool
            if tally.clusters == 1 {
                // One cluster says little: both of its kinds of instances must be dead here, and none elsewhere.
                let roles = Set(subjects.map(\.key.role))
                isDead =
                    tally.deadClusters == 1 && roles.count > 1
                    && (!isAlone || judged.allSatisfy { $0.key.zone == zone || isAlive($0.value) })
                    && others.allSatisfy { $0.deadInstances == 0 }
            } else {
                isDead =
                    tally.deadClusters > 1 && Double(tally.deadClusters) >= policy.deadShare * Double(tally.clusters)
                    && others.allSatisfy { Double($0.deadClusters) <= (1 - policy.deadShare) * Double($0.clusters) }
            }
            guard isDead else { continue }
            let dead = subjects.filter { isGone($0.value, tick.now) }
            let contradictions = dead.count { contradicts($0.key, tick) }
            guard Double(contradictions) <= (1 - policy.deadShare) * Double(dead.count) else { continue }
            failed[zone] = verdict(dead.map { ($0.key, $0.value) }, of: tally.instances, tick)
        }
        return failed
    }

    /// It is dead for long enough to speak for its zone.
    private func isGone(_ history: SubjectHistory, _ now: Duration) -> Bool {
        if let refused = history.refusedSince { return now - refused >= policy.downAfter }
        return history.isDead && history.failure != .lossy && history.silence >= policy.zoneAfter
    }

    private func isAlive(_ history: SubjectHistory) -> Bool {
        !history.isOut && history.refusedSince == nil && history.silence < policy.lostAfter
    }

    private func verdict(_ dead: [(ProbeSubject, SubjectHistory)], of count: Int, _ tick: ProbeTick) -> Verdict {
        let silences = dead.map(\.1.silence)
        let isFrozen = dead.allSatisfy { $0.1.failure == .frozen }
        let longest = silences.max() ?? .zero
        let names = dead.prefix(4).map(\.0.description).joined(separator: ", ") + (dead.count > 4 ? " and \(dead.count - 4) more" : "")
        let refused = dead.count { $0.1.refusedSince != nil }
        let how =
            refused == dead.count
            ? "refuse connections"
            : isFrozen
                ? "take questions and answer none for \(longest.text)" : "neither answer nor acknowledge anything for \(longest.text)"
        var evidence = ["\(dead.count) of \(count) instances \(how): \(names)"]
        let witnesses = histories.filter { other in other.value.isFine && !dead.contains { $0.0.zone == other.key.zone } }
        let usual = Self.lowerMedian(witnesses.map { $0.value.slowness }) ?? .zero
        evidence.append("\(witnesses.count) instances of the other zones answer, usually within \(usual.text)")
        let checked = dead.filter { tick.backends[$0.0].map { $0 != .passing } == true }
        if !checked.isEmpty { evidence.append("the load balancers' own checks get no answer either, of \(checked.count) API servers") }
        let lost = dead.filter { tick.peers[$0.0] == .lost }
        if !lost.isEmpty { evidence.append("etcd's other members have lost \(lost.count) of these") }
        return Verdict(failure: isFrozen ? .frozen : .unreachable, evidence: evidence)
    }
}

extension Duration {
    /// `0.7 s`, `12 ms`.
    var text: String {
        let milliseconds = Int(components.seconds) * 1000 + Int(components.attoseconds / 1_000_000_000_000_000)
        if milliseconds < 100 { return "\(max(1, milliseconds)) ms" }
        return "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
    }
}
