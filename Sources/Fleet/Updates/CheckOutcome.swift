import Planning

/// What came of doing through an API server what customers do.
public struct CheckOutcome: Hashable, Sendable {
    /// What is tried apart from the others, whether these work or not.
    public enum Part: Hashable, Sendable {
        case objects, secrets, tokens, pods, deployments, services, helpers
    }

    /// What went wrong.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        public enum Kind: Hashable, Sendable {
            /// It does not work.
            case fault
            /// There was no answer, which has too many causes to be the same of two API servers.
            case silence
            /// It was refused: no matter where one of before refuses it as well, by a policy of the cluster's owner.
            case refusal
        }

        public var part = Part.objects
        /// What was done, and the status of the answer if there was one: "create: 500". Of two API servers, the same when they fail alike.
        public var step: String
        /// For people.
        public var detail: String
        public var kind = Kind.fault

        public init(_ step: String, _ detail: String = "", kind: Kind = .fault) {
            self.step = step
            self.detail = detail
            self.kind = kind
        }

        public static func silence(_ detail: String) -> Failure { Failure("no answer:", detail, kind: .silence) }

        public var description: String { detail.isEmpty ? step : "\(step) \(detail)" }
    }

    /// Of each part, the first thing that went wrong.
    public var failures: [Failure]
    /// Of all requests, the one that took longest: what it was, and seconds.
    public var slowest: String
    public var seconds: Double

    public init(failures: [Failure] = [], slowest: String = "", seconds: Double = 0) {
        self.failures = failures
        self.slowest = slowest
        self.seconds = seconds
    }

    /// A request that takes longer, in seconds, is slow; unless one of before is not quicker by this factor at the same time.
    static let slow = 1.0
    private static let factor = 3.0

    /// Nothing that would have to be compared with one of before.
    var isFine: Bool { failures.isEmpty && seconds <= Self.slow }

    /// What it says of an API server.
    /// - Parameter baseline: of one of before; nil when there is none.
    func result(baseline: CheckOutcome?) -> InstanceCheckResult {
        guard let baseline else {
            return failures.first { $0.kind != .refusal }.map { .failed("\($0)") } ?? .passed
        }
        var results: [InstanceCheckResult] = []
        for failure in failures {
            guard let other = baseline.failures.first(where: { $0.part == failure.part || $0.kind == .silence }) else {
                return .failed("\(failure)")
            }
            let isSame = failure.step == other.step && failure.kind != .silence
            if isSame, failure.kind == .refusal { continue }
            results.append(isSame ? .asBefore("\(other)") : .undecided("\(other)"))
        }
        let undecided = results.first { if case .undecided = $0 { true } else { false } }
        return undecided ?? results.first ?? speed(than: baseline)
    }

    private func speed(than baseline: CheckOutcome) -> InstanceCheckResult {
        let isTooSlow = seconds > Self.slow && baseline.failures.isEmpty && seconds > baseline.seconds * Self.factor
        guard isTooSlow else { return .passed }
        func text(_ seconds: Double) -> String { "\((seconds * 10).rounded() / 10) s" }
        return .failed("\(slowest) took \(text(seconds)), and at most \(text(baseline.seconds)) on one of before")
    }
}
