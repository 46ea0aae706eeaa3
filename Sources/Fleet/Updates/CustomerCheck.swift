import FleetModel
import Foundation
import NIOHTTP1
import Timing

/// Does through one API server what customers do, in a namespace of Slipway's own, so that admission, webhooks, etcd, the watch cache,
/// the KMS plugin and service accounts all take part.
struct CustomerCheck: Sendable {
    let requests: CheckRequests
    /// One that stays open from check to check.
    let openWatch: OpenWatch
    let time: TimeSource
    /// Secrets are looked at where they are encrypted: else they are objects as any.
    let isEncrypted: Bool

    init(api: KubernetesAPI, openWatch: OpenWatch, isEncrypted: Bool, time: TimeSource) {
        requests = CheckRequests(api: api, time: time)
        self.openWatch = openWatch
        self.isEncrypted = isEncrypted
        self.time = time
    }

    /// A change reaches a watch within this time.
    static let limit = Duration.seconds(5)
    private static let collection = CheckManifests.configMaps

    typealias Failure = CheckOutcome.Failure

    /// One after the other what the rest needs, and then all of that at the same time: under load each request takes its time.
    /// - Throws: on cancellation only.
    func run() async throws -> CheckOutcome {
        var failures: [Failure] = []
        let rest = rest
        var untried = Set(rest.map(\.part))
        if let end = try await attempt(Step(.watches, lookAtOpenWatch)) { failures.append(end) }
        failures += try await attemptAll([Step(.objects, useObjects), Step(.accounts, ensureAccount)])
        // What is so slow, or silent, should not be waited for again.
        if !failures.contains(where: { $0.kind == .silence }), requests.longestWait <= CheckOutcome.slow {
            untried = []
            failures += try await attemptAll(rest)
        }
        let slowest = requests.slowest
        return CheckOutcome(
            failures: failures, untried: untried, slowest: slowest.what, seconds: slowest.seconds, median: requests.median)
    }

    private struct Step: Sendable {
        var part: CheckOutcome.Part
        var use: @Sendable () async throws -> Void

        init(_ part: CheckOutcome.Part, _ use: @escaping @Sendable () async throws -> Void) {
            self.part = part
            self.use = use
        }
    }

    private var rest: [Step] {
        let secrets = isEncrypted ? [Step(.secrets, useSecret)] : []
        let dry = [
            (CheckOutcome.Part.pods, CheckManifests.pod), (.deployments, CheckManifests.deployment), (.services, CheckManifests.service),
        ].map { part, manifest in Step(part) { try await requests.propose(manifest, isDry: true) } }
        let webhooks = CheckManifests.Webhook.allCases.map { webhook in
            Step(webhook == .validating ? .validatingWebhooks : .mutatingWebhooks) { try await use(webhook) }
        }
        // What other checks have left goes meanwhile.
        let leftovers = Step(.objects) { await CheckLeftovers.remove(from: requests.api, now: time.now) }
        return [leftovers] + secrets + [Step(.tokens, useToken), Step(.logins, useAuthenticator)] + dry + webhooks
    }

    /// At the same time; failures in the order of the steps.
    private func attemptAll(_ steps: [Step]) async throws -> [Failure] {
        try await withThrowingTaskGroup(of: (Int, Failure?).self) { group in
            for (index, step) in steps.enumerated() { group.addTask { (index, try await attempt(step)) } }
            return try await group.reduce(into: [(Int, Failure?)]()) { $0.append($1) }.sorted { $0.0 < $1.0 }.compactMap(\.1)
        }
    }

    private func attempt(_ step: Step) async throws -> Failure? {
        var failure: Failure
        do {
            try await step.use()
            return nil
        } catch let error as CancellationError {
            throw error
        } catch let error as Failure {
            failure = error
        } catch let error as KubernetesAPI.Refusal where error.isBusy {
            failure = Failure("a watch: \(error.status.code)", kind: .busy)
        } catch {
            try Task.checkCancellation()
            failure = .silence("\(error)")
        }
        failure.part = step.part
        return failure
    }

    private func lookAtOpenWatch() async throws {
        defer { openWatch.open(requests.api) }
        if let end = openWatch.recentEnd() { throw Failure("a watch ended by itself", end) }
    }

    /// Lists, watches, creates, reads, changes and deletes an object.
    private func useObjects() async throws {
        // Several may be checked at the same time.
        let name = CheckManifests.name()
        let selector = "fieldSelector=metadata.name%3D\(name)"
        let version = try await listVersion("\(Self.collection)?\(selector)")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var missing = ["ADDED", "MODIFIED", "DELETED"]
                let path = "\(Self.collection)?watch=1&\(selector)&resourceVersion=\(version)&timeoutSeconds=10"
                try await requests.api.watch(path) { line in
                    if let next = missing.first, line.contains("\"type\":\"\(next)\"") { missing.removeFirst() }
                    return missing.isEmpty
                }
                guard missing.isEmpty else { throw Failure("a watch ended", "without \(missing[0])") }
            }
            group.addTask {
                do {
                    try await change(name)
                } catch let error as Failure {
                    // It may have been made before that.
                    try? await requests.api.delete("\(Self.collection)/\(name)")
                    throw error
                }
                try await time.sleep(for: Self.limit)
                throw Failure("a watch did not tell", "of all changes within \(Self.limit.seconds) s")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
        try await awaitOpenWatch(name, since: time.uptime)
    }

    /// The watch that stays open tells of it, too, if it was open before.
    private func awaitOpenWatch(_ name: String, since start: Duration) async throws {
        guard openWatch.isSettled else { return }
        while time.uptime - start < Self.limit {
            if openWatch.hasTold(of: name) { return requests.note("a watch", seconds: (time.uptime - start).seconds) }
            // That is said once, by the next check.
            guard openWatch.isOpen else { return }
            try await time.sleep(for: .milliseconds(5))
        }
        openWatch.close()
        throw Failure("a watch that stayed open did not tell", "of a change within \(Self.limit.seconds) s")
    }

    private func change(_ name: String) async throws {
        let path = "\(Self.collection)/\(name)"
        try await requests.ask(.POST, Self.collection, "create", body: CheckManifests.configMap(name))
        try await requests.ask(.PATCH, path, "change", body: #"{"data":{"step":"changed"}}"#, type: "application/merge-patch+json")
        let answer = try await requests.ask(.GET, path, "read")
        guard answer.contains("\"changed\"") else { throw Failure("read:", "the object is not what was written") }
        try await requests.ask(.DELETE, path, "delete")
    }

    private func listVersion(_ path: String) async throws -> String {
        struct List: Decodable {
            struct Metadata: Decodable { var resourceVersion: String }
            var metadata: Metadata
        }
        let space = try await requests.api.send(.GET, "/api/v1/namespaces/\(CheckManifests.namespace)")
        if space.status == .notFound {
            let made = try await requests.api.send(.POST, "/api/v1/namespaces", body: CheckManifests.ownNamespace)
            // Another check may have made it meanwhile.
            guard made.status == .created || made.status == .conflict else {
                throw Failure("create a namespace: \(made.status.code)", "\(made.body.prefix(200))")
            }
        }
        let answer = try await requests.ask(.GET, path, "list")
        guard let list = try? JSONDecoder().decode(List.self, from: Data(answer.utf8)) else {
            throw Failure("list:", "the answer cannot be read")
        }
        return list.metadata.resourceVersion
    }

    /// A secret is what was written, by way of etcd.
    private func useSecret() async throws {
        let name = CheckManifests.name()
        let secret = CheckManifests.secret(name)
        let path = "\(secret.collection)/\(name)"
        try await requests.propose(secret, isDry: false)
        do {
            let answer = try await requests.ask(.GET, path, "read a secret")
            guard answer.contains(CheckManifests.secretValue) else { throw Failure("read a secret:", "it is not what was written") }
        } catch {
            try? await requests.api.delete(path)
            throw error
        }
        try await requests.ask(.DELETE, path, "delete a secret")
    }

    private func ensureAccount() async throws {
        let start = time.uptime
        while true {
            do {
                try await requests.propose(CheckManifests.serviceAccount, isDry: false, mayExist: true)
                return
            } catch let error as Failure where error.step.hasSuffix(": 404") && time.uptime - start < .seconds(2) {
                // The namespace is being made.
                try await time.sleep(for: .milliseconds(50))
            }
        }
    }

    /// A service account's token is issued and taken, and opens no more than it should.
    private func useToken() async throws {
        struct TokenRequest: Decodable {
            struct Status: Decodable { var token: String }
            var status: Status
        }
        let collection = CheckManifests.serviceAccount.collection
        let answer = try await requests.ask(
            .POST, "\(collection)/\(CheckManifests.account)/token", "request a token", body: CheckManifests.tokenRequest)
        guard let request = try? JSONDecoder().decode(TokenRequest.self, from: Data(answer.utf8)) else {
            throw Failure("request a token:", "the answer cannot be read")
        }
        let review = try await requests.propose(
            CheckManifests.accessReview, isDry: false, through: requests.api.with(token: request.status.token))
        guard review.contains(#""allowed":false"#) else {
            throw Failure("a service account without rights may read secrets", kind: .refusal)
        }
    }

    /// Whoever comes with a token of IAM is looked at by the authenticator.
    private func useAuthenticator() async throws {
        let answer = try await requests.propose(CheckManifests.tokenReview, isDry: false)
        guard answer.contains(CheckManifests.tokenRefusal) else {
            throw Failure("the authenticator is not asked about tokens", kind: .refusal)
        }
    }

    /// It is asked: when nobody answers there, an API server that asks says so.
    private func use(_ webhook: CheckManifests.Webhook) async throws {
        if try await isAsked(webhook) { return }
        try await requests.propose(webhook.configuration, isDry: false, mayExist: true)
        // One that was made just now takes a moment.
        let start = time.uptime
        while try await !isAsked(webhook) {
            guard time.uptime - start < .seconds(1) else {
                throw Failure("a \(webhook.rawValue) webhook is not called", kind: .refusal)
            }
            try await time.sleep(for: .milliseconds(100))
        }
    }

    private func isAsked(_ webhook: CheckManifests.Webhook) async throws -> Bool {
        try await requests.isRefused(webhook.refused, with: "failed calling webhook")
    }
}
