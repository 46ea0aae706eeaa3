import EtcdAPI
import Foundation
import GRPCCore
import SwiftProtobuf

extension EtcdClient {
    /// One page, linearizable.
    /// - Parameters:
    ///   - limit: 0 for none.
    ///   - revision: 0 for the newest. Throws `compacted` when it is gone.
    public func range(_ keys: EtcdKeys, limit: Int = 0, revision: Int64 = 0) async throws(EtcdError) -> EtcdRange {
        var request = keys.range
        request.limit = Int64(limit)
        request.revision = revision
        let message = request
        let response = try await call("range") { try await keyValues.range(message, options: $0) }
        return EtcdRange(values: response.kvs.map(EtcdKeyValue.init), revision: response.header.revision, more: response.more)
    }

    /// How many keys there are, linearizable.
    /// - Parameter revision: 0 for the newest. Throws `compacted` when it is gone.
    public func count(_ keys: EtcdKeys, revision: Int64 = 0) async throws(EtcdError) -> Int64 {
        var request = keys.range
        request.revision = revision
        request.countOnly = true
        let message = request
        return try await call("count") { try await keyValues.range(message, options: $0) }.count
    }

    /// All of it as of one revision, however many pages that takes.
    public func list(_ keys: EtcdKeys, pageSize: Int = 1_000) async throws(EtcdError) -> EtcdRange {
        while true {
            var result = try await range(keys, limit: pageSize)
            do {
                var more = result.more
                while more, let last = result.values.last {
                    let rest = EtcdKeys(start: last.key + [0], end: keys.end)
                    let page = try await range(rest, limit: pageSize, revision: result.revision)
                    result.values += page.values
                    more = page.more
                }
                result.more = false
                return result
            } catch  where error.code == .compacted {
                // The revision of the first page was compacted before the last page was read.
            }
        }
    }

    /// All of `operations` when all of `comparisons` hold, else all of `otherwise`; one revision for all of it.
    public func transaction(
        if comparisons: [EtcdComparison], then operations: [EtcdOperation], else otherwise: [EtcdOperation] = []
    ) async throws(EtcdError) -> EtcdOutcome {
        let request = Etcdserverpb_TxnRequest.with {
            $0.compare = comparisons.map(\.message)
            $0.success = operations.map(\.message)
            $0.failure = otherwise.map(\.message)
        }
        let response = try await call("transaction") { try await keyValues.txn(request, options: $0) }
        let ranges = response.responses.compactMap { response -> [EtcdKeyValue]? in
            guard case .responseRange(let range) = response.response else { return nil }
            return range.kvs.map(EtcdKeyValue.init)
        }
        return EtcdOutcome(succeeded: response.succeeded, revision: response.header.revision, ranges: ranges)
    }

    /// Forgets the values before `revision`.
    /// - Parameter physical: answer only when they are gone from the database.
    public func compact(to revision: Int64, physical: Bool = true) async throws(EtcdError) {
        let request = Etcdserverpb_CompactionRequest.with {
            $0.revision = revision
            $0.physical = physical
        }
        _ = try await call("compaction") { try await keyValues.compact(request, options: $0) }
    }
}
