import Planning

/// What came of doing through an API server what customers do.
public struct CheckOutcome: Hashable, Sendable {
    /// What is tried apart from the others, whether these work or not.
    public enum Part: Hashable, Sendable {
        case watches, objects, accounts, secrets, tokens, logins, pods, deployments, services, validatingWebhooks, mutatingWebhooks, helpers
    }

    /// What went wrong.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        public enum Kind: Hashable, Sendable {
            /// It does not work.
            case fault
            /// There was no answer, which has too many causes to be the same of two API servers.
            case silence
            /// It has too much to do just now, as one that serves everybody may have.
            case busy
            /// It was refused: no matter where one of before refuses it as well, by a policy of the cluster's owner.
            case refusal
        }

        public var part: Part
        /// What was done, and the status of the answer if there was one: "create: 500". Of two API servers, the same when they fail alike.
        public var step: String
        /// For people.
        public var detail: String
        public var kind: Kind

        public init(_ step: String, _ detail: String = "", part: Part = .objects, kind: Kind = .fault) {
            self.part = part
            self.step = step
            self.detail = detail
            self.kind = kind
        }

        /// Nobody answers: that has too many causes, but where only admission can be one, say a webhook of the owner's that hangs.
        func isSame(as other: Failure) -> Bool {
            guard kind == .silence else { return step == other.step }
            return other.kind == .silence && part == other.part && [.pods, .deployments, .services].contains(part)
        }

        public static func silence(_ detail: String) -> Failure { Failure("no answer:", detail, kind: .silence) }

        public var description: String { detail.isEmpty ? step : "\(step) \(detail)" }
    }

    /// Of each part, the first thing that went wrong.
    public var failures: [Failure]
    /// The parts that were left out, since one before them was too slow or silent.
    public var untried: Set<Part>
    /// Of all requests, the one that took longest: what it was, and seconds.
    public var slowest: String
    public var seconds: Double
    /// What half of the requests took at most; seconds.
    public var median: Double

    public init(
        failures: [Failure] = [], untried: Set<Part> = [], slowest: String = "", seconds: Double = 0, median: Double = 0
    ) {
        self.failures = failures
        self.untried = untried
        self.slowest = slowest
        self.seconds = seconds
        self.median = median
    }

    /// A request that takes longer, in seconds, is slow, and so is an API server of which half the requests take longer than that; unless
    /// one of before is not quicker by this factor at the same time.
    static let slow = 1.0
    private static let slowMedian = 0.5
    private static let factor = 3.0

    /// Nothing that would have to be compared with one of before.
    var isFine: Bool { failures.isEmpty && untried.isEmpty && seconds <= Self.slow && median <= Self.slowMedian }

    /// What it says of an API server.
    /// - Parameter baseline: of one of before; nil when there is none.
    func result(baseline: CheckOutcome?) -> InstanceCheckResult {
        guard let baseline else {
            return failures.first { $0.kind == .fault || $0.kind == .silence }.map { .failed("\($0)") } ?? .passed
        }
        var results: [InstanceCheckResult] = []
        for failure in failures {
            if failure.kind == .busy {
                results.append(.undecided("\(failure)"))
                continue
            }
            guard let other = baseline.failures.first(where: { $0.part == failure.part || $0.kind == .silence }) else {
                if !baseline.untried.contains(failure.part) { return .failed("\(failure)") }
                results.append(.undecided("\(failure); one of before was not asked for that, as it was slow"))
                continue
            }
            let isSame = failure.isSame(as: other)
            if isSame, failure.kind == .refusal { continue }
            results.append(isSame ? .asBefore("\(other)") : .undecided("\(other)"))
        }
        let undecided = results.first { if case .undecided = $0 { true } else { false } }
        return undecided ?? results.first ?? speed(than: baseline)
    }

    private func speed(than baseline: CheckOutcome) -> InstanceCheckResult {
        guard baseline.failures.allSatisfy({ $0.kind == .refusal }) else { return .passed }
        func text(_ seconds: Double) -> String { "\((seconds * 100).rounded() / 100) s" }
        if seconds > Self.slow, seconds > baseline.seconds * Self.factor {
            return .failed("\(slowest) took \(text(seconds)), and at most \(text(baseline.seconds)) on one of before")
        }
        if median > Self.slowMedian, median > baseline.median * Self.factor {
            return .failed("half of the requests took more than \(text(median)), and \(text(baseline.median)) on one of before")
        }
        return .passed
    }
}
