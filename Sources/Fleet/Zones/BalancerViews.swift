import Planning
import Substrate

/// What load balancers said of API servers, and whether it is news for who has been silent since a moment.
struct BalancerViews {
    private var said: [ProbeSubject: (check: BackendCheck, at: Duration)] = [:]
    /// When a check was last said to have passed.
    private var passed: [ProbeSubject: Duration] = [:]

    /// What was said before is no news.
    private static let age = Duration.milliseconds(600)
    /// Between two checks that a balancer makes, and a little: one that passed sooner after the silence began was made before it.
    private static let checkInterval = Duration.milliseconds(580)
    /// Now and then a balancer is asked just while a check is under way, on a busy machine several times in a row: one that passed within
    /// this time still counts.
    private static let passedAge = Duration.milliseconds(1500)

    /// - Parameter at: when the balancer was asked.
    mutating func note(_ checks: [String: BackendCheck], of subjects: Set<ProbeSubject>, at asked: Duration) {
        for subject in subjects {
            said[subject] = checks[subject.instance].map { ($0, asked) }
            if checks[subject.instance] == .passing { passed[subject] = asked }
        }
    }

    /// Those of whom something is known; who is not asked for is forgotten.
    mutating func views(
        of subjects: Set<ProbeSubject>, _ samples: [ProbeSubject: ProbeSample], now: Duration
    ) -> [ProbeSubject: BackendCheck] {
        said = said.filter { subjects.contains($0.key) }
        passed = passed.filter { subjects.contains($0.key) }
        var views: [ProbeSubject: BackendCheck] = [:]
        for subject in subjects {
            let check = said[subject].flatMap { now - $0.at <= Self.age ? $0.check : nil }
            let begun = now - (samples[subject]?.silence ?? .zero)
            let hasPassed = passed[subject].map { $0 - begun >= Self.checkInterval && now - $0 <= Self.passedAge } ?? false
            views[subject] = check == .failing ? .failing : hasPassed ? .passing : check.map { _ in .checking }
        }
        return views
    }
}
