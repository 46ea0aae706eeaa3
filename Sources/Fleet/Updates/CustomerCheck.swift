import FleetModel
import Foundation
import NIOHTTP1
import Synchronization
import Timing

/// Does through one API server what customers do: lists, watches, creates, reads, changes and deletes an object, in a namespace of
/// Slipway's own, so that admission, webhooks, etcd and the watch cache all take part.
final class CustomerCheck: Sendable {
    private let api: KubernetesAPI
    private let time: TimeSource

    init(api: KubernetesAPI, time: TimeSource) {
        self.api = api
        self.time = time
    }

    /// A change reaches a watch within this time.
    static let limit = Duration.seconds(5)
    static let namespace = "slipway-system"
    /// Of the objects of checks.
    static let label = "slipway-check"

    static let collection = "/api/v1/namespaces/\(namespace)/configmaps"

    private let slowest = Mutex<(what: String, seconds: Double)>(("", 0))

    /// - Throws: on cancellation only.
    func run() async throws -> CheckOutcome {
        var failure: Failure?
        do {
            try await use()
            await CheckLeftovers.remove(from: api, now: time.now)
        } catch let error as CancellationError {
            throw error
        } catch let error as Failure {
            failure = error
        } catch {
            try Task.checkCancellation()
            failure = .silence("\(error)")
        }
        let slowest = slowest.withLock { $0 }
        return CheckOutcome(failure: failure, slowest: slowest.what, seconds: slowest.seconds)
    }

    private typealias Failure = CheckOutcome.Failure

    private func use() async throws {
        // Several may be checked at the same time.
        let name = "check-\(UUID().uuidString.lowercased())"
        let selector = "fieldSelector=metadata.name%3D\(name)"
        let version = try await listVersion("\(Self.collection)?\(selector)")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                var missing = ["ADDED", "MODIFIED", "DELETED"]
                try await self.api.watch("\(Self.collection)?watch=1&\(selector)&resourceVersion=\(version)&timeoutSeconds=10") { line in
                    if let next = missing.first, line.contains("\"type\":\"\(next)\"") { missing.removeFirst() }
                    return missing.isEmpty
                }
                guard missing.isEmpty else { throw Failure("a watch ended", "without \(missing[0])") }
            }
            group.addTask {
                do {
                    try await self.change(name)
                } catch let error as Failure {
                    // It may have been made before that.
                    try? await self.api.delete("\(Self.collection)/\(name)")
                    throw error
                }
                try await self.time.sleep(for: Self.limit)
                throw Failure("a watch did not tell", "of all changes within \(Self.limit.seconds) s")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func change(_ name: String) async throws {
        let path = "\(Self.collection)/\(name)"
        func object(_ value: String) -> String {
            #"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"\#(name)","labels":{"\#(Self.label)":""}},"data":{"step":"\#(value)"}}"#
        }
        try await ask(.POST, Self.collection, "create", body: object("created"))
        try await ask(.PATCH, path, "change", body: #"{"data":{"step":"changed"}}"#, type: "application/merge-patch+json")
        let answer = try await ask(.GET, path, "read")
        guard answer.contains("\"changed\"") else { throw Failure("read:", "the object is not what was written") }
        try await ask(.DELETE, path, "delete")
    }

    private func listVersion(_ path: String) async throws -> String {
        struct List: Decodable {
            struct Metadata: Decodable { var resourceVersion: String }
            var metadata: Metadata
        }
        let space = try await api.send(.GET, "/api/v1/namespaces/\(Self.namespace)")
        if space.status == .notFound {
            let body = #"{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"\#(Self.namespace)"}}"#
            let made = try await api.send(.POST, "/api/v1/namespaces", body: body)
            // Another check may have made it meanwhile.
            guard made.status == .created || made.status == .conflict else {
                throw Failure("create a namespace: \(made.status.code)", "\(made.body.prefix(200))")
            }
        }
        let answer = try await ask(.GET, path, "list")
        guard let list = try? JSONDecoder().decode(List.self, from: Data(answer.utf8)) else {
            throw Failure("list:", "the answer cannot be read")
        }
        return list.metadata.resourceVersion
    }

    @discardableResult
    private func ask(_ method: HTTPMethod, _ path: String, _ what: String, body: String? = nil, type: String = "application/json")
        async throws -> String
    {
        let start = time.uptime
        let answer = try await api.send(method, path, body: body, type: type)
        guard (200..<300).contains(answer.status.code) else {
            throw Failure("\(what): \(answer.status.code)", "\(answer.body.prefix(200))")
        }
        let took = (time.uptime - start).seconds
        slowest.withLock { if took > $0.seconds { $0 = (what, took) } }
        return answer.body
    }
}
