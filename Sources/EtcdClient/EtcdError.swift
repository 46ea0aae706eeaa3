import GRPCCore

/// A call to etcd that failed. Codes follow what the caller can do; etcd's own words are in `message`.
public struct EtcdError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// No member answered, or there is no leader. Whether a write happened is unknown.
        case unavailable
        /// The call's time ran out. Whether a write happened is unknown.
        case timedOut
        /// The wanted revision is compacted away.
        case compacted
        /// No such lease or member.
        case notFound
        /// The database has reached its quota (alarm NOSPACE).
        case noSpace
        /// etcd does not accept the request: too large, a key twice, an unknown option.
        case invalid
        /// Not now, for the cluster's safety: a learner that lags, a member without which there is no quorum.
        case refused
        /// Certificate or permission.
        case denied
        case cancelled
        case failed
    }

    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { cause.map { "\(message) (\($0))" } ?? message }

    /// From whatever a call threw.
    init(_ error: any Error, during call: String) {
        switch error {
        case let error as EtcdError: self = error
        case is CancellationError: self.init(.cancelled, "\(call): cancelled", cause: error)
        case let error as RPCError: self.init(Self.code(of: error), "\(call): \(error.message)", cause: error.cause)
        case let error as RuntimeError: self.init(.unavailable, "\(call): \(error.message)", cause: error)
        default: self.init(.failed, "\(call) failed", cause: error)
        }
        // A cancelled call shows as a broken one.
        if Task.isCancelled, code == .unavailable || code == .timedOut { code = .cancelled }
    }

    /// etcd names its errors by text (`api/v3rpc/rpctypes/error.go`); the status code alone does not tell them apart.
    private static func code(of error: RPCError) -> Code {
        let text = error.message
        switch error.code {
        case .deadlineExceeded: return .timedOut
        case .outOfRange: return text.contains("compacted") ? .compacted : .invalid
        case .notFound: return .notFound
        case .resourceExhausted:
            // "too many requests" passes by itself; "request is too large" does not.
            if text.contains("space") { return .noSpace }
            return text.contains("too many requests") ? .unavailable : .invalid
        case .invalidArgument, .alreadyExists, .unimplemented: return .invalid
        case .failedPrecondition: return .refused
        case .permissionDenied, .unauthenticated: return .denied
        case .cancelled: return .unavailable
        case .unavailable:
            // Both come as Unavailable, and both mean that the change was not accepted.
            return text.contains("unhealthy cluster") || text.contains("in sync with leader") ? .refused : .unavailable
        default:
            // A broken connection shows as one of several codes; what etcd itself says begins with its name.
            return text.hasPrefix("etcdserver:") ? .failed : .unavailable
        }
    }
}
