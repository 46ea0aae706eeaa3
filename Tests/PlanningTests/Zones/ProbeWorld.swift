import FleetModel
import Planning
import Substrate

/// Instances that are asked every 250 ms, each with a behaviour of its own, and the planner that looks on.
final class ProbeWorld {
    enum Behaviour {
        case answers(Int)
        case lost, frozen, refused
        /// So many of a hundred segments are lost on their way there, and so many on their way back.
        case lossy(Int)
    }

    var planner = ZoneHealthPlanner()
    var now = Duration.zero
    var behaviour: (ProbeSubject, Duration) -> Behaviour = { _, _ in .answers(2) }
    var underWork: (ProbeSubject, Duration) -> Bool = { _, _ in false }
    var backend: (ProbeSubject, Duration) -> BackendCheck? = { _, _ in nil }
    /// Milliseconds by which this look comes late.
    var lateness: (Duration) -> Int = { _ in 0 }
    var subjects: [ProbeSubject] = []
    var knownReady: Set<ProbeSubject> = []
    var knownStopped: Set<ProbeSubject> = []
    private(set) var last = ZoneAssessment(scope: .fine, zones: [:], isolated: [:])
    private var questions: [ProbeSubject: Question] = [:]
    private var random: UInt64

    private struct Question {
        var asked: Duration
        /// Nil: never.
        var takes: Duration?
        var isDelivered: Bool
        var resent = 0
    }

    static let zones = ["z-a", "z-b", "z-c"].map { ZoneName(rawValue: $0) }
    static let a = zones[0]
    static let b = zones[1]
    static let c = zones[2]

    /// - Parameter clusters: each with an etcd member in every zone, and API servers in two of them.
    init(clusters: Int = 1, seed: UInt64 = 1) throws {
        random = seed
        for index in 0..<clusters {
            let name = try ClusterName("c\(index + 1)")
            for zone in Self.zones { subjects.append(ProbeSubject(cluster: name, instance: "etcd-\(zone)", role: .etcd, zone: zone)) }
            for place in 0..<2 {
                subjects.append(
                    ProbeSubject(cluster: name, instance: "api-\(place + 1)", role: .apiServer, zone: Self.zones[(index + place) % 3]))
            }
        }
    }

    /// A generator of its own, so that a run is always the same (Knuth's MMIX constants).
    private func roll(below percent: Int) -> Bool {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((random >> 33) % 100) < percent
    }

    private func ask(_ subject: ProbeSubject) -> Question? {
        switch behaviour(subject, now) {
        case .refused: return nil
        case .answers(let milliseconds): return Question(asked: now, takes: .milliseconds(milliseconds), isDelivered: true)
        case .lost: return Question(asked: now, takes: nil, isDelivered: false)
        case .frozen: return Question(asked: now, takes: nil, isDelivered: true)
        case .lossy(let percent):
            // Retransmission after 200 ms, then twice as long each time (RFC 6298, Linux' TCP_RTO_MIN).
            var (takes, timeout, resent) = (2, 200, 0)
            while roll(below: percent) {
                takes += timeout
                timeout *= 2
                resent += 1
            }
            let isDelivered = takes < 900
            timeout = 200
            while roll(below: percent) {
                takes += timeout
                timeout *= 2
            }
            return Question(asked: now, takes: .milliseconds(takes), isDelivered: isDelivered, resent: resent)
        }
    }

    private func sample(_ subject: ProbeSubject) -> ProbeSample {
        var sample = ProbeSample()
        if let question = questions[subject] {
            if let takes = question.takes, question.asked + takes <= now {
                sample.answers = [takes]
                sample.resent = question.resent
                questions[subject] = nil
            } else if question.takes == nil, case .answers = behaviour(subject, now) {
                questions[subject] = nil
            } else {
                sample.silence = now - question.asked
                sample.isDelivered = question.isDelivered
            }
        }
        if case .refused = behaviour(subject, now) {
            questions[subject] = nil
            return ProbeSample(isRefused: true)
        }
        if questions[subject] == nil { questions[subject] = ask(subject) }
        return sample
    }

    @discardableResult
    func step(_ milliseconds: Int = 250) -> ZoneAssessment {
        let late = Duration.milliseconds(lateness(now))
        now += .milliseconds(milliseconds) + late
        var samples: [ProbeSubject: ProbeSample] = [:]
        for subject in subjects { samples[subject] = sample(subject) }
        var backends: [ProbeSubject: BackendCheck] = [:]
        for subject in subjects where subject.role == .apiServer { backends[subject] = backend(subject, now) }
        last = planner.judge(
            ProbeTick(
                now: now, lateness: late, samples: samples, underWork: Set(subjects.filter { underWork($0, now) }), knownReady: knownReady,
                knownStopped: knownStopped, backends: backends))
        return last
    }

    func run(seconds: Double) { for _ in 0..<Int(seconds * 4) { step() } }

    /// Until `isSo`; how long it took, in seconds, or nil when it took longer than `limit`.
    func seconds(limit: Double = 60, until isSo: (ZoneAssessment) -> Bool) -> Double? {
        let start = now
        while (now - start) < .seconds(limit) {
            if isSo(step()) {
                let passed = now - start
                return Double(passed.components.seconds) + Double(passed.components.attoseconds) / 1e18
            }
        }
        return nil
    }

    /// Nothing is ever found while this lasts.
    func isQuiet(seconds: Double) -> Bool {
        for _ in 0..<Int(seconds * 4) {
            let found = step()
            if !found.isolated.isEmpty || found.zones.values.contains(where: \.health.isImpaired) { return false }
        }
        return true
    }

    func health(_ zone: ZoneName) -> ZoneHealth? { last.zones[zone]?.health }
    func isolated(_ cluster: String = "c1") -> Set<String> { last.isolated.first { $0.key.rawValue == cluster }?.value ?? [] }
}
