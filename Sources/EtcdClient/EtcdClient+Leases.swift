import EtcdAPI
import GRPCCore
import SwiftProtobuf

extension EtcdClient {
    /// - Parameter timeToLive: rounded up to whole seconds; etcd makes it longer than its election timeout.
    /// - Returns: the lease's id, and how long it lives.
    public func grantLease(timeToLive: Duration) async throws(EtcdError) -> (id: Int64, timeToLive: Duration) {
        let (seconds, fraction) = timeToLive.components
        let request = Etcdserverpb_LeaseGrantRequest.with { $0.ttl = max(1, seconds + (fraction > 0 ? 1 : 0)) }
        let response = try await call("lease grant") { try await leases.leaseGrant(request, options: $0) }
        return (response.id, .seconds(response.ttl))
    }

    /// - Returns: how long it lives from now on.
    /// - Throws: `notFound` when it has run out.
    @discardableResult
    public func keepAlive(lease id: Int64) async throws(EtcdError) -> Duration {
        let left = try await call("lease keep-alive") { options in
            try await leases.leaseKeepAlive(options: options) { writer in
                try await writer.write(.with { $0.id = id })
            } onResponse: { response in
                for try await message in response.messages { return message.ttl }
                throw EtcdError(.unavailable, "etcd ended the keep-alive of lease \(id) without an answer.")
            }
        }
        guard left > 0 else { throw EtcdError(.notFound, "The lease \(id) has run out.") }
        return .seconds(left)
    }

    /// Deletes the keys put with it.
    /// - Throws: `notFound` when it has run out.
    public func revoke(lease id: Int64) async throws(EtcdError) {
        let request = Etcdserverpb_LeaseRevokeRequest.with { $0.id = id }
        _ = try await call("lease revoke") { try await leases.leaseRevoke(request, options: $0) }
    }

    /// - Returns: nil when it has run out.
    public func timeLeft(ofLease id: Int64) async throws(EtcdError) -> Duration? {
        let request = Etcdserverpb_LeaseTimeToLiveRequest.with { $0.id = id }
        let response = try await call("lease time-to-live") { try await leases.leaseTimeToLive(request, options: $0) }
        return response.ttl > 0 ? .seconds(response.ttl) : nil
    }
}
