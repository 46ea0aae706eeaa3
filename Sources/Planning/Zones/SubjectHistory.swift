import FleetModel

/// What is remembered of one subject. Times are monotonic.
struct SubjectHistory: Sendable {
    enum State: Hashable, Sendable {
        /// It has not answered for long enough to say anything by its silence.
        case young
        case fine
        /// Dead without resets.
        case dead(ZoneFailure, since: Duration)
        /// It answers again, and has to do so for a while.
        case recovering(ZoneFailure, since: Duration)
    }

    private(set) var state = State.young
    /// It has answered without a break since then.
    private(set) var answeringSince: Duration?
    private(set) var silence = Duration.zero
    private(set) var isDelivered = false
    private(set) var refusedSince: Duration?
    /// Answers of the window: when, and how long they took.
    private(set) var answers: [(at: Duration, took: Duration)] = []
    private(set) var resent: [(at: Duration, count: Int)] = []
    /// It was found ready since it was last worked on.
    private var wasReady = false
    /// It was refused, and what took its place has not answered for long enough yet: a process that starts lets wait who asks now and
    /// then, and goes on doing so while it has much to read.
    private(set) var isStarting = false
    private(set) var relapses = 0
    private var lastDeath: Duration?
    private(set) var notedAt = Duration.zero
    /// Lateness of this process, summed up, when the silence began.
    private var latenessBefore = Duration.zero

    /// - Parameter lateness: of this process, summed up since it began.
    mutating func note(_ sample: ProbeSample, now: Duration, lateness: Duration, policy: ZoneHealthPolicy) {
        notedAt = now
        for took in sample.answers {
            answers.append((now, took))
        }
        if sample.resent > 0 { resent.append((now, sample.resent)) }
        answers.removeAll { $0.at + policy.window < now }
        resent.removeAll { $0.at + policy.window < now }
        isDelivered = sample.isDelivered
        if sample.silence == .zero || !sample.answers.isEmpty { latenessBefore = lateness }
        // Time in which this process was not let run is not the other's silence.
        silence = max(.zero, sample.silence - (lateness - latenessBefore))
        refusedSince = sample.isRefused ? refusedSince ?? now : nil
        if sample.isRefused {
            wasReady = false
            isStarting = true
        }
        if sample.isRefused || silence >= policy.lostAfter {
            answeringSince = nil
        } else if !sample.answers.isEmpty {
            answeringSince = answeringSince ?? now
        }
        let hasStarted = answeringSince.map { now - $0 >= policy.startLasts } ?? false
        if hasStarted || silence >= policy.startLimit { isStarting = false }
    }

    /// Whatever it does now is our own doing.
    mutating func excuse() {
        state = .young
        answeringSince = nil
        refusedSince = nil
        wasReady = false
        forget()
    }

    /// Nothing of what was seen says anything of now.
    mutating func forget() {
        answers = []
        resent = []
        silence = .zero
        answeringSince = nil
    }

    mutating func trust() { if state == .young { state = .fine } }

    /// Whoever uses it says that it does its work.
    mutating func noteReady() { wasReady = refusedSince == nil }

    mutating func die(_ failure: ZoneFailure, now: Duration, policy: ZoneHealthPolicy) {
        if let lastDeath, now - lastDeath < policy.relapseWithin { relapses += 1 } else { relapses = 0 }
        lastDeath = now
        state = .dead(failure, since: now)
    }

    /// Moves on with time: grows up, recovers.
    /// - Parameters:
    ///   - isPrompt: few of its answers of the window came late.
    ///   - isNeeded: another one that does its work is in trouble now.
    mutating func settle(now: Duration, isPrompt: Bool, isNeeded: Bool, policy: ZoneHealthPolicy) {
        switch state {
        case .young:
            if let answeringSince, now - answeringSince >= policy.maturity { state = .fine }
            // One that has worked is not starting: it may have died young.
            if wasReady, silence >= policy.maturity { state = .fine }
        case .fine: break
        case .dead(let failure, let since):
            if answeringSince != nil || refusedSince != nil { state = .recovering(failure, since: since) }
        case .recovering(let failure, let since):
            if refusedSince != nil {
                // Dead, and it says so: whoever asks is told at once, and nobody need be kept from asking.
                if now - since >= policy.recovery { excuse() }
            } else if let answeringSince {
                let wait = isNeeded ? min(policy.neededRecovery, recovery(policy)) : recovery(policy)
                if isPrompt, now - answeringSince >= wait { state = .fine }
            } else if silence >= policy.lostAfter {
                state = .dead(failure, since: since)
            }
        }
    }

    /// How long it has to answer before it is believed.
    func recovery(_ policy: ZoneHealthPolicy) -> Duration {
        min(policy.longestRecovery, policy.recovery * (1 << min(relapses, 5)))
    }

    var isMature: Bool { state != .young }
    var isFine: Bool { state == .fine && refusedSince == nil }
    /// Its answers, and their lateness, are as good as those of others.
    var isSteady: Bool { isFine && !isStarting }
    var isDead: Bool { if case .dead = state { true } else { false } }
    /// Dead, or not believed yet.
    var isOut: Bool {
        switch state {
        case .dead, .recovering: true
        case .young, .fine: false
        }
    }
    var failure: ZoneFailure? {
        switch state {
        case .dead(let failure, _), .recovering(let failure, _): failure
        case .young, .fine: nil
        }
    }

    /// How slow it is: the slowest answer of the last two seconds, what nineteen of twenty answers of the window took, or the silence
    /// of this moment, whichever is longest. A machine under load is slow now and then: one quick answer does not make it quick.
    var slowness: Duration {
        let taken = answers.map(\.took).sorted()
        guard !taken.isEmpty else { return silence }
        let recent = answers.filter { $0.at + .seconds(2) >= notedAt }.map(\.took).max() ?? .zero
        return max(silence, recent, taken[min(taken.count - 1, taken.count * 19 / 20)])
    }
}
