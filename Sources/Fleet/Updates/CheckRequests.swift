import NIOHTTP1
import Synchronization
import Timing

/// Requests of a check, and which of them took longest.
final class CheckRequests: Sendable {
    let api: KubernetesAPI
    private let time: TimeSource
    private let answers = Mutex<[(what: String, seconds: Double)]>([])
    private let waited = Mutex(0.0)

    init(api: KubernetesAPI, time: TimeSource) {
        self.api = api
        self.time = time
    }

    /// Of all that were answered as they should be, the one that took longest; seconds.
    var slowest: (what: String, seconds: Double) { answers.withLock { $0.max { $0.seconds < $1.seconds } } ?? ("", 0) }

    /// What half of them took at most; seconds.
    var median: Double {
        let all = answers.withLock { $0.map(\.seconds).sorted() }
        return all.isEmpty ? 0 : all[all.count / 2]
    }

    /// For any answer; seconds.
    var longestWait: Double { waited.withLock { $0 } }

    func note(_ what: String, seconds: Double) { answers.withLock { $0.append((what, seconds)) } }

    typealias Failure = CheckOutcome.Failure

    private static let limit = Duration.seconds(10)

    /// - Parameter what: what it is for, in words.
    /// - Throws: `CheckOutcome.Failure` when the answer is not 2xx; `FleetError` when there is none.
    @discardableResult
    func ask(_ method: HTTPMethod, _ path: String, _ what: String, body: String? = nil, type: String = "application/json")
        async throws -> String
    {
        let answer = try await send(method, path, what, body: body, type: type, through: api)
        guard answer.isSuccess else { throw Self.failure(answer, what) }
        return answer.body
    }

    /// Creates what is to be refused.
    /// - Returns: whether it was, with these words.
    func isRefused(_ manifest: CheckManifests.Manifest, with words: String) async throws -> Bool {
        let answer = try await send(
            .POST, manifest.collection + "?dryRun=All", "", body: manifest.body, type: "application/json", through: api)
        return !answer.isSuccess && answer.body.contains(words)
    }

    /// Creates what may be refused, since the cluster's owner may have rules for it.
    /// - Parameters:
    ///   - isDry: it goes through admission, and is not stored.
    ///   - mayExist: that it is there already is fine.
    ///   - other: as somebody else.
    /// - Throws: as `ask` does; a `Failure` of the kind `refusal` when it was refused.
    @discardableResult
    func propose(
        _ manifest: CheckManifests.Manifest, isDry: Bool, mayExist: Bool = false, through other: KubernetesAPI? = nil
    ) async throws -> String {
        let what = "create \(manifest.what)"
        let path = manifest.collection + (isDry ? "?dryRun=All" : "")
        let answer = try await send(.POST, path, what, body: manifest.body, type: "application/json", through: other ?? api)
        if answer.isSuccess || mayExist && answer.status == .conflict { return answer.body }
        var failure = Self.failure(answer, what)
        let isBroken = [.unauthorized, .notFound, .requestTimeout].contains(answer.status) || answer.status.code >= 500
        if failure.kind == .fault, !isBroken { failure.kind = .refusal }
        throw failure
    }

    private struct Answer {
        var status: HTTPResponseStatus
        var body: String

        var isSuccess: Bool { (200..<300).contains(status.code) }
    }

    private static func failure(_ answer: Answer, _ what: String) -> Failure {
        let line = answer.body.prefix(200).split(whereSeparator: \.isNewline).joined(separator: " ")
        return Failure("\(what): \(answer.status.code)", line, kind: answer.status == .tooManyRequests ? .busy : .fault)
    }

    private func send(
        _ method: HTTPMethod, _ path: String, _ what: String, body: String?, type: String, through api: KubernetesAPI
    ) async throws -> Answer {
        let start = time.uptime
        // Also of an answer that begins and does not end.
        let (status, text) = try await within(Self.limit, time) { try await api.send(method, path, body: body, type: type) }
        let answer = Answer(status: status, body: text)
        let seconds = (time.uptime - start).seconds
        waited.withLock { $0 = max($0, seconds) }
        if answer.isSuccess { note(what, seconds: seconds) }
        return answer
    }
}
