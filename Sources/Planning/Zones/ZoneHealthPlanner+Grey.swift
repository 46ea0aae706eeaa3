import FleetModel

/// Grey failures: some answers come late or not at all, clearly more of them than elsewhere.
extension ZoneHealthPlanner {
    private struct Count {
        var answers = 0
        var late = 0
        var resent = 0

        var share: Double { answers == 0 ? 0 : Double(late) / Double(answers) }

        static func += (a: inout Count, b: Count) {
            a.answers += b.answers
            a.late += b.late
            a.resent += b.resent
        }
    }

    mutating func greyFailures(_ now: Duration) -> [ZoneName: Verdict] {
        var failed: [ZoneName: Verdict] = [:]
        for zone in Set(histories.keys.map(\.zone)) {
            guard let verdict = greyVerdict(zone) else {
                records[zone]?.greySince = nil
                continue
            }
            let since = records[zone]?.greySince ?? now
            if records[zone] == nil { records[zone] = ZoneRecord(since: now) }
            records[zone]?.greySince = since
            if now - since >= policy.greyLasts { failed[zone] = verdict }
        }
        return failed
    }

    /// It is not well yet, though it may not be bad enough to be taken out for.
    func looksGrey(_ zone: ZoneName) -> Bool {
        let counts = counts(zone)
        let sum = counts.reduce(into: Count()) { $0 += $1.count }
        return sum.answers >= policy.leastAnswers && sum.share >= policy.lateShare / 3
    }

    /// Few of its answers came late, as far as there were any.
    func isPrompt(_ subject: ProbeSubject) -> Bool {
        guard let count = count(subject) else { return true }
        return count.answers < policy.leastAnswers / 2 || count.share < policy.lateShare / 3
    }

    /// So much of what is sent to it is lost that it stalls those who talk to it. Slowness alone may be its share of the work. In a zone
    /// that was found to lose what is sent, less of it is enough.
    func isLossy(_ subject: ProbeSubject) -> Bool {
        let isExpected = records[subject.zone]?.health.failures.contains(.lossy) ?? false
        guard let count = count(subject), count.answers >= policy.leastAnswers / (isExpected ? 2 : 1),
            count.share >= (isExpected ? policy.lateRoleShare : leastShare([subject]))
        else { return false }
        return count.resent >= (isExpected ? 1 : 3) && Double(count.resent) >= policy.lossShare * Double(count.late)
    }

    /// What is sent to it has to be sent again and again, and nothing of what is sent to other zones. A busy machine is no reason for
    /// that, since its kernel acknowledges what arrives; so there is no need to see whether answers come late by it.
    func isLosing(_ subject: ProbeSubject) -> Bool {
        // What was lost once is enough where another one in the same zone is dead.
        let isSuspect = histories.contains { $0.key.zone == subject.zone && $0.key != subject && $0.value.isDead }
        guard resentLately(subject) >= (isSuspect ? 1 : policy.lossCount) else { return false }
        let others = histories.keys.filter { $0.zone != subject.zone }
        return !others.isEmpty && others.allSatisfy { resentLately($0) == 0 }
    }

    private func resentLately(_ subject: ProbeSubject) -> Int {
        guard let history = histories[subject] else { return 0 }
        return history.resent.reduce(0) { $1.at + policy.lossWithin >= history.notedAt ? $0 + $1.count : $0 }
    }

    /// Where the others are slow too, it takes more to stand out.
    private func leastShare(_ subjects: [ProbeSubject]) -> Double {
        let isLoaded = subjects.contains { usualAnswer($0).map { $0 > policy.late } ?? false }
        return isLoaded ? 2 * policy.lateShare : policy.lateShare
    }

    private func greyVerdict(_ zone: ZoneName) -> Verdict? {
        let counts = counts(zone)
        let sum = counts.reduce(into: Count()) { $0 += $1.count }
        guard sum.answers >= policy.leastAnswers, sum.share >= leastShare(counts.map(\.subject)) else { return nil }
        let clusters = Dictionary(grouping: counts, by: \.subject.cluster)
        if clusters.count > 1 {
            // More than half of the clusters, so that one with a problem of its own is not the zone's.
            let affected = clusters.values.count { own in own.contains { $0.count.share >= policy.lateRoleShare } }
            guard affected > 1, affected * 2 > clusters.count else { return nil }
        } else {
            let roles = Dictionary(grouping: counts, by: \.subject.role).mapValues { own in own.reduce(into: Count()) { $0 += $1.count } }
            guard roles.count > 1, roles.values.allSatisfy({ $0.share >= policy.lateRoleShare }) else { return nil }
        }
        let isLoss = Double(sum.resent) >= policy.lossShare * Double(sum.late)
        var evidence = [
            "\(sum.late) of the last \(sum.answers) answers came late, clearly later than in the worst of the other zones",
            "\(sum.resent) segments had to be sent again",
        ]
        let worst = counts.max { $0.count.share < $1.count.share }
        if let worst { evidence.append("worst is \(worst.subject): \(worst.count.late) of \(worst.count.answers) late") }
        return Verdict(failure: isLoss ? .lossy : .slow, evidence: evidence)
    }

    private func counts(_ zone: ZoneName) -> [(subject: ProbeSubject, count: Count)] {
        histories.keys.filter { $0.zone == zone }.sorted().compactMap { subject in count(subject).map { (subject, $0) } }
    }

    /// Of one that counts; nil when it does not, or when there is nobody to compare with.
    private func count(_ subject: ProbeSubject) -> Count? {
        guard let history = histories[subject], history.isMature, !history.isStarting, history.refusedSince == nil,
            let usual = usualAnswer(subject)
        else {
            return nil
        }
        let limit = max(policy.late, usual * policy.lateFactor)
        var count = Count()
        for answer in history.answers {
            count.answers += 1
            if answer.took > limit { count.late += 1 }
        }
        if history.silence > limit {
            count.answers += 1
            count.late += 1
        }
        count.resent = history.resent.reduce(0) { $0 + $1.count }
        return count
    }

    private func usualAnswer(_ subject: ProbeSubject) -> Duration? { usual[ZoneRole(zone: subject.zone, role: subject.role)] }

    /// What nineteen of twenty answers of its like take, in the worst of the other zones; for each zone and role once a look.
    func usualAnswers() -> [ZoneRole: Duration] {
        var taken: [ZoneRole: [Duration]] = [:]
        for (subject, history) in histories where history.isSteady {
            taken[ZoneRole(zone: subject.zone, role: subject.role), default: []] += history.answers.map(\.took)
            if history.silence > policy.late { taken[ZoneRole(zone: subject.zone, role: subject.role)]?.append(history.silence) }
        }
        let usual = taken.filter { $0.value.count >= 8 }.mapValues { taken in taken.sorted()[min(taken.count - 1, taken.count * 19 / 20)] }
        var answers: [ZoneRole: Duration] = [:]
        for place in Set(histories.keys.map { ZoneRole(zone: $0.zone, role: $0.role) }) {
            let elsewhere = usual.filter { $0.key.zone != place.zone }
            answers[place] = elsewhere.filter { $0.key.role == place.role }.values.max() ?? elsewhere.values.max()
        }
        return answers
    }

    struct ZoneRole: Hashable {
        var zone: ZoneName
        var role: InstanceRole
    }
}
