import FleetModel
import Substrate

/// Tells apart what failed: a component, an instance, a zone, everything, or Slipway's own connection. Pure: looks come in, a
/// verdict comes out, and time is the looks' own.
///
/// All judgement is relative. Under full load everything answers late, and no zone is to blame for it; a zone is impaired when it
/// is clearly worse than the others at the same time. Only instances that have answered before say anything by their silence.
public struct ZoneHealthPlanner: Sendable {
    public let policy: ZoneHealthPolicy
    /// Those that are spoken of although nothing is there.
    private let zones: [ZoneName]
    var histories: [ProbeSubject: SubjectHistory] = [:]
    var records: [ZoneName: ZoneRecord] = [:]
    private var lastLook: Duration?
    /// Time in which this process was not let run, summed up.
    private var lateness = Duration.zero
    /// Of this look.
    var usual: [ZoneRole: Duration] = [:]
    private var isolated: Set<ProbeSubject> = []
    /// Who answers nothing because nothing of it runs: where a zone is out of service, nobody starts it.
    private var stopped: Set<ProbeSubject> = []
    /// Who waits for an answer for long, whatever else is known of it.
    private var waiting: Set<ProbeSubject> = []

    /// What is remembered of a zone.
    struct ZoneRecord: Sendable {
        var health = ZoneHealth.unknown
        var evidence: [String] = []
        var since: Duration
        /// Nothing is wrong with it since then.
        var wellSince: Duration?
        /// It looks grey since then.
        var greySince: Duration?
        /// Nothing runs there that could tell how it is.
        var isSpent = false
    }

    /// - Parameter zones: all of the region; those in which anything was seen are added by themselves.
    public init(policy: ZoneHealthPolicy = ZoneHealthPolicy(), zones: [ZoneName] = []) {
        self.policy = policy
        self.zones = zones
    }

    /// - Parameter tick: newer than the last.
    public mutating func judge(_ tick: ProbeTick) -> ZoneAssessment {
        note(tick)
        bury(tick)
        let silent = silentZones()
        let all = Set(histories.filter { $0.value.isMature }.keys.map(\.zone))
        let isEverything = !all.isEmpty && silent == all
        // With everything silent there is nothing to compare with, and nothing to turn to.
        noteSpent(tick.now)
        let verdicts =
            isEverything
            ? [:]
            : totalFailures(tick).merging(greyFailures(tick.now)) { total, _ in total }.filter { records[$0.key]?.isSpent != true }
        for zone in Set(histories.keys.map(\.zone)).union(records.keys).union(zones) {
            update(zone, verdicts[zone], isEverything: isEverything, tick)
        }
        isolated = isEverything ? [] : isolations(tick)
        return ZoneAssessment(
            scope: scope(tick, silent: silent, isEverything: isEverything, failed: Set(verdicts.keys)),
            zones: finding(tick.now),
            isolated: Dictionary(grouping: isolated, by: \.cluster).mapValues { Set($0.map(\.instance)) },
            out: histories.compactMapValues(\.failure))
    }

    private func finding(_ now: Duration) -> [ZoneName: ZoneFinding] {
        let inhabited = Set(histories.lazy.filter { !isUnjudged($0.key, $0.value) }.map(\.key.zone))
        return Dictionary(
            uniqueKeysWithValues: records.map { zone, record in
                (
                    zone,
                    ZoneFinding(
                        health: record.health, evidence: record.evidence, lasts: now - record.since, isEmpty: !inhabited.contains(zone))
                )
            })
    }

    // MARK: What was seen

    private mutating func note(_ tick: ProbeTick) {
        histories = histories.filter { tick.samples[$0.key] != nil }
        if tick.lateness > policy.toleratedLateness { lateness += tick.lateness }
        if let lastLook, tick.now - lastLook > policy.gap || tick.now < lastLook {
            for subject in histories.keys { histories[subject]?.forget() }
            // What waits now was asked before the gap: it does not count as silence.
            lateness += max(.zero, tick.now - lastLook)
        }
        lastLook = tick.now
        stopped = tick.knownStopped.isEmpty ? [] : tick.knownStopped.filter { tick.samples[$0].map(\.isSilent) == true }
        waiting = Set(tick.samples.filter { $0.value.silence >= policy.lostAfter }.keys)
        for (subject, sample) in tick.samples {
            let known = histories.removeValue(forKey: subject)
            var history = known ?? SubjectHistory()
            history.note(sample, now: tick.now, lateness: lateness, policy: policy)
            // One that is dead comes back by answering, and not by being worked on.
            if tick.underWork.contains(subject), !history.isOut {
                history.excuse()
            } else if known == nil, tick.knownOut.contains(subject) {
                history.die(.unreachable, now: tick.now, policy: policy)
            } else if tick.knownReady.contains(subject) {
                known == nil ? history.trust() : history.noteReady()
            }
            histories[subject] = history
        }
        usual = usualAnswers()
        let tardy = Set(histories.filter(\.value.isOut).keys.filter { !isPrompt($0) })
        let needed = Set(histories.filter(\.value.isOut).keys.filter { isNeeded($0) })
        for subject in tick.samples.keys {
            histories[subject]?.settle(
                now: tick.now, isPrompt: !tardy.contains(subject), isNeeded: needed.contains(subject), policy: policy)
        }
    }

    /// Another of its cluster that does the same work in another zone is in trouble, or that zone is.
    private func isNeeded(_ subject: ProbeSubject) -> Bool {
        histories.contains { other, history in
            other.cluster == subject.cluster && other.role == subject.role && other.zone != subject.zone && history.isMature
                && (history.isDead || history.silence >= policy.lostAfter || isLossy(other) || records[other.zone]?.greySince != nil)
        }
    }

    /// Who is dead without a reset, while the same elsewhere answers.
    private mutating func bury(_ tick: ProbeTick) {
        var dead: [(ProbeSubject, ZoneFailure)] = []
        for (subject, history) in histories where history.isFine {
            if history.silence >= policy.lostAfter {
                // Fenced off it could not reach etcd, and would never have started.
                if history.isStarting, history.isDelivered { continue }
                guard let usual = usualSlowness(elsewhereThan: subject) else { continue }
                let limit =
                    history.isDelivered
                    ? max(policy.frozenAfter, usual * policy.frozenFactor) : max(policy.lostAfter, usual * policy.lostFactor)
                if history.silence >= limit { dead.append((subject, history.isDelivered ? .frozen : .unreachable)) }
            } else if isLossy(subject) || isLosing(subject) {
                dead.append((subject, .lossy))
            }
        }
        for (subject, failure) in dead { histories[subject]?.die(failure, now: tick.now, policy: policy) }
    }

    /// How slow its like is in other zones just now; nil when there is nobody to compare with. Where everything was started just now,
    /// what starts is compared with what starts.
    private func usualSlowness(elsewhereThan subject: ProbeSubject) -> Duration? {
        usualSlowness(elsewhereThan: subject) { $0.isSteady }
            ?? usualSlowness(elsewhereThan: subject) { $0.isFine && $0.answeringSince != nil }
    }

    private func usualSlowness(elsewhereThan subject: ProbeSubject, _ counts: (SubjectHistory) -> Bool) -> Duration? {
        var alike: [Duration] = []
        var all: [Duration] = []
        for (other, history) in histories where other.zone != subject.zone && counts(history) {
            let slowness = history.slowness
            all.append(slowness)
            if other.role == subject.role { alike.append(slowness) }
        }
        guard let usual = Self.lowerMedian(all) else { return nil }
        return max(usual, Self.lowerMedian(alike) ?? .zero)
    }

    static func lowerMedian(_ values: [Duration]) -> Duration? {
        values.isEmpty ? nil : values.sorted()[(values.count - 1) / 2]
    }

    // MARK: How far it reaches

    /// Zones of which nothing answers, however slow the others are.
    private func silentZones() -> Set<ZoneName> {
        var silent: Set<ZoneName> = []
        for (zone, subjects) in Dictionary(grouping: histories.filter { $0.value.isMature }, by: \.key.zone)
        where subjects.allSatisfy({ $0.value.silence >= policy.frozenAfter }) {
            silent.insert(zone)
        }
        return silent
    }

    private func scope(_ tick: ProbeTick, silent: Set<ZoneName>, isEverything: Bool, failed: Set<ZoneName>) -> ZoneAssessment.Scope {
        if isEverything { return tick.backends.values.contains(.passing) || tick.peers.values.contains(.connected) ? .cutOff : .everything }
        let bad = silent.union(failed)
        if bad.count > 1 { return .zones(bad.sorted()) }
        if let zone = failed.first { return .zone(zone) }
        let dead = histories.filter(\.value.isOut).keys.sorted()
        if !dead.isEmpty {
            return dead.contains { contradicts($0, tick) } ? .cutOff : .instances(dead)
        }
        let down = histories.filter { $0.value.isMature && $0.value.refusedSince != nil }.keys.sorted()
        return down.isEmpty ? .fine : .components(down)
    }

    /// Somebody else reaches what we do not. Balancers look every half second, so theirs is news only some time after the silence
    /// began.
    func contradicts(_ subject: ProbeSubject, _ tick: ProbeTick) -> Bool {
        guard let history = histories[subject], history.silence >= policy.zoneAfter else { return false }
        return tick.backends[subject] == .passing || history.silence >= policy.contradictionLasts && tick.peers[subject] == .connected
    }

    /// Single instances to be fenced: dead, while enough of their like answer for the cluster to go on without them.
    private func isolations(_ tick: ProbeTick) -> Set<ProbeSubject> {
        var found: Set<ProbeSubject> = []
        for members in Dictionary(grouping: histories, by: \.key.cluster).values {
            for role in [InstanceRole.etcd, .apiServer] {
                let alike = members.filter { $0.key.role == role }
                let out = alike.map(\.key).filter { histories[$0]?.isOut == true && isSettled($0, tick) }
                guard !out.isEmpty else { continue }
                // For a new fence the others must answer right now; for one that stands it is enough that none was found dead, since
                // a hiccup of another must not lift it.
                let isNew = !isolated.isSuperset(of: out)
                let fine = alike.count { $0.value.isFine && (!isNew || $0.value.answeringSince != nil) }
                if role == .etcd ? fine * 2 > alike.count : fine > 0 {
                    found.formUnion(out)
                } else if isNew {
                    let standing = isolated.intersection(out)
                    let calm = alike.count { $0.value.isFine }
                    if role == .etcd ? calm * 2 > alike.count : calm > 0 { found.formUnion(standing) }
                }
            }
        }
        return found
    }

    /// The other views had time to say the opposite, and did not.
    private func isSettled(_ subject: ProbeSubject, _ tick: ProbeTick) -> Bool {
        guard let history = histories[subject] else { return false }
        if history.isDead, tick.backends[subject] != nil, history.failure != .lossy, history.silence < policy.zoneAfter { return false }
        return !contradicts(subject, tick)
    }

    // MARK: What is remembered of a zone

    /// It says nothing of its zone: nothing of it runs, or it answers and has not done so for long enough, as long as it is worked on.
    private func isUnjudged(_ subject: ProbeSubject, _ history: SubjectHistory) -> Bool {
        stopped.contains(subject) || !history.isMature && !waiting.contains(subject)
    }

    /// A zone that was found to have failed, and in which by now there is nobody to judge it by: what is stopped there is not started
    /// while it is out of service, so that only taking it back tells how it is.
    private mutating func noteSpent(_ now: Duration) {
        for (zone, record) in records where record.isSpent || record.health.isImpaired {
            let hasNobody = histories.allSatisfy { $0.key.zone != zone || isUnjudged($0.key, $0.value) }
            records[zone]?.isSpent = hasNobody && (record.isSpent || now - record.since >= policy.spentAfter)
        }
    }

    private mutating func update(_ zone: ZoneName, _ verdict: Verdict?, isEverything: Bool, _ tick: ProbeTick) {
        let now = tick.now
        var record = records[zone] ?? ZoneRecord(since: now)
        defer { records[zone] = record }
        let here = histories.filter { $0.key.zone == zone && !record.isSpent && !stopped.contains($0.key) }
        if let verdict {
            let failures = record.health.failures.union([verdict.failure])
            if record.health != .impaired(failures) {
                if !record.health.isImpaired { record.since = now }
                record.health = .impaired(failures)
                record.evidence = verdict.evidence
            }
            record.wellSince = nil
            return
        }
        let judged = here.filter(\.value.isMature)
        // A reset comes from a machine that lives. An API server behind a fence cannot start without etcd, and would keep its zone out.
        let isWell =
            here.values.contains { $0.isFine || $0.refusedSince != nil || $0.answeringSince != nil }
            && judged.values.allSatisfy { $0.isFine || $0.refusedSince != nil }
        record.wellSince = isWell ? record.wellSince ?? now : nil
        let found: ZoneHealth
        var evidence: [String] = []
        if record.health.isImpaired, !here.isEmpty {
            guard let wellSince = record.wellSince, now - wellSince >= policy.zoneRecovery, !looksGrey(zone) else { return }
            found = .healthy
        } else if judged.isEmpty {
            found = .unknown
            evidence = [
                here.isEmpty ? "nothing runs there by which it could be judged" : "nothing there has answered for long enough to be judged"
            ]
        } else if isEverything {
            found = .unknown
            evidence = ["nothing answers, here and in all other zones"]
        } else if judged.allSatisfy(\.value.isOut) {
            found = .unknown
            let names = judged.keys.sorted().map(\.description).joined(separator: ", ")
            evidence = [
                judged.keys.contains { contradicts($0, tick) }
                    ? "Slipway gets no answer from \(names), but load balancers or etcd's members do: the zone is not to blame"
                    : "all that runs there is \(names), which does not answer: too little to judge the zone by"
            ]
        } else {
            found = .healthy
        }
        if record.health != found { record.since = now }
        (record.health, record.evidence) = (found, evidence)
    }
}
