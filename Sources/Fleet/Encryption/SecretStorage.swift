import EtcdClient
import FleetModel
import Foundation
import Kubernetes
import Planning
import Substrate
import Synchronization
import Timing

/// What the encryption of a cluster's secrets needs of its etcd and its API.
public protocol SecretStorage: Sendable {
    /// Looks at all secrets in etcd.
    /// - Parameters:
    ///   - prefix: what a value begins with that is sealed as is wanted.
    ///   - revision: one that may still be readable, if asked for.
    func census(of cluster: Cluster, sealedWith prefix: String, history revision: Int64?) async throws -> SecretCensus
    /// Has the API servers write anew what does not begin with `prefix`, up to `limit` secrets. Who is refused is left out until all others
    /// have been written.
    /// - Returns: how many were.
    /// - Throws: `FleetError` (`kubernetes`) when none was written and some are refused.
    func rewrite(_ cluster: Cluster, to prefix: String, limit: Int) async throws -> Int
    /// Makes etcd forget what was before the revision; nothing when it has already.
    func compact(_ cluster: Cluster, to revision: Int64) async throws
}

/// What a cell needs to encrypt its clusters' secrets.
public struct SecretEncryption: Sendable {
    public var keys: any KeyService
    public var storage: any SecretStorage

    public init(keys: any KeyService, storage: any SecretStorage) {
        self.keys = keys
        self.storage = storage
    }
}

/// Looks into etcd itself, and writes through the cluster's own API: only API servers ever encrypt.
public struct LiveSecretStorage: SecretStorage {
    private let operations: LiveControlPlaneOperations
    private let refused = RefusedSecrets()

    /// Where Kubernetes keeps secrets: `/registry/secrets/NAMESPACE/NAME`.
    private static let keys = EtcdKeys.prefix(Array("/registry/secrets/".utf8))
    /// A secret has up to 1 MiB.
    private static let pageSize = 200
    /// Writes at the same time.
    private static let width = 4
    /// So many refusals end a round: each may have taken a webhook's whole time.
    private static let refusalLimit = 20

    public init(operations: LiveControlPlaneOperations) { self.operations = operations }

    public func census(of cluster: Cluster, sealedWith prefix: String, history revision: Int64?) async throws -> SecretCensus {
        let access = try await operations.access(to: cluster)
        return try await EtcdClient.with(try access.configuration(timeout: .seconds(20))) { client in
            var census = SecretCensus(total: 0, others: 0, revision: 0)
            census.revision = try await Self.pages(client) { values in
                census.total += values.count
                census.others += values.count { !$0.value.starts(with: Array(prefix.utf8)) }
                return true
            }
            if let revision { census.isHistoryGone = try await Self.isGone(before: revision, client) }
            return census
        }
    }

    /// An empty merge patch changes nothing of a secret; an API server that finds it stored with another provider than its first one
    /// writes it nevertheless (k8s.io/apiserver, `pkg/storage/etcd3`, `GuaranteedUpdate`: `stale`).
    public func rewrite(_ cluster: Cluster, to prefix: String, limit: Int) async throws -> Int {
        let known = refused.all(of: cluster)
        let stale = try await stale(in: cluster, prefix, limit: limit, without: Set(known.keys))
        if stale.isEmpty {
            defer { refused.forget(cluster) }
            try Self.say(known)
        }
        let api = try await operations.api(of: cluster)
        return try await withThrowingTaskGroup(of: (path: String, reason: String?).self) { group in
            var (written, refusals) = (0, 0)
            func note(_ outcome: (path: String, reason: String?)) {
                guard let reason = outcome.reason else { return written += 1 }
                refusals += 1
                refused.note(outcome.path, reason, of: cluster)
            }
            for (index, path) in stale.enumerated() where refusals < Self.refusalLimit {
                if index >= Self.width, let outcome = try await group.next() { note(outcome) }
                group.addTask {
                    do {
                        try await api.merge(path, "{}")
                        return (path, nil)
                    } catch let error as CancellationError {
                        throw error
                    } catch {
                        try Task.checkCancellation()
                        return (path, "\(error)")
                    }
                }
            }
            for try await outcome in group { note(outcome) }
            // All are refused, or nobody answers: haste is of no use.
            if written == 0 { try Self.say(refused.all(of: cluster)) }
            return written
        }
    }

    private static func say(_ refused: [String: String]) throws {
        guard let first = refused.min(by: { $0.key < $1.key }) else { return }
        throw FleetError(.kubernetes, "\(refused.count) secrets cannot be written anew; \(first.key): \(first.value)")
    }

    public func compact(_ cluster: Cluster, to revision: Int64) async throws {
        refused.forget(cluster)
        let access = try await operations.access(to: cluster)
        try await EtcdClient.with(try access.configuration(timeout: .seconds(55))) { client in
            do {
                try await client.compact(to: revision)
            } catch let error as EtcdError where error.code == .compacted {
                // API servers compact, too, and may have been first.
            }
        }
    }

    /// Paths in the API of secrets that are sealed with something else.
    private func stale(in cluster: Cluster, _ prefix: String, limit: Int, without: Set<String>) async throws -> [String] {
        let access = try await operations.access(to: cluster)
        return try await EtcdClient.with(try access.configuration(timeout: .seconds(20))) { client in
            var paths: [String] = []
            _ = try await Self.pages(client) { values in
                paths += values.filter { !$0.value.starts(with: Array(prefix.utf8)) }.compactMap { Self.path(ofKey: $0.key) }
                    .filter { !without.contains($0) }
                return paths.count < limit
            }
            return Array(paths.prefix(limit))
        }
    }

    /// `/api/v1/namespaces/NAMESPACE/secrets/NAME`; names of Kubernetes need no percent-encoding.
    static func path(ofKey key: [UInt8]) -> String? {
        let parts = String(decoding: key, as: UTF8.self).split(separator: "/")
        guard parts.count == 4 else { return nil }
        return "/api/v1/namespaces/\(parts[2])/secrets/\(parts[3])"
    }

    /// All secrets as of one revision, page by page, until `body` answers false.
    /// - Returns: the revision.
    private static func pages(_ client: EtcdClient, _ body: ([EtcdKeyValue]) throws -> Bool) async throws -> Int64 {
        var page = try await client.range(keys, limit: pageSize)
        let revision = page.revision
        while try body(page.values), page.more, let last = page.values.last {
            page = try await client.range(EtcdKeys(start: last.key + [0], end: keys.end), limit: pageSize, revision: revision)
        }
        return revision
    }

    /// The revision itself stays readable after a compaction; the one before must not be.
    private static func isGone(before revision: Int64, _ client: EtcdClient) async throws -> Bool {
        guard revision > 1 else { return true }
        do {
            _ = try await client.range(keys, limit: 1, revision: revision - 1)
            return false
        } catch  where error.code == .compacted {
            return true
        }
    }
}

/// Secrets that an API server has refused to write, by their paths, and why. In memory only: who begins anew tries them anew.
private final class RefusedSecrets: Sendable {
    private let reasons = Mutex<[String: [String: String]]>([:])

    func all(of cluster: Cluster) -> [String: String] { reasons.withLock { $0[cluster.metadata.uid] ?? [:] } }
    func note(_ path: String, _ reason: String, of cluster: Cluster) {
        reasons.withLock { $0[cluster.metadata.uid, default: [:]][path] = reason }
    }
    func forget(_ cluster: Cluster) { reasons.withLock { $0[cluster.metadata.uid] = nil } }
}
