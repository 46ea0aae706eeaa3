/// Brings one resource nearer to what is wanted. The request is a name, never an event: it looks for itself.
public protocol Reconciler: Sendable {
    associatedtype Key: Hashable & Sendable & CustomStringConvertible

    /// For metrics and logs: `cluster`, `access`…
    var kind: String { get }

    /// One step. Errors are logged and tried again with backoff.
    func reconcile(_ key: Key) async throws -> Outcome
}

/// An error after which the resource is looked at again soon, however often it has come: while nobody looks nothing is decided about it.
public struct UrgentError: Error, CustomStringConvertible {
    public var cause: any Error
    public var longestDelay: Duration

    public init(_ cause: any Error, longestDelay: Duration) {
        self.cause = cause
        self.longestDelay = longestDelay
    }

    public var description: String { "\(cause)" }
}

/// How a step ended.
public enum Outcome: Hashable, Sendable {
    /// All is as wanted; look again at the next change or resync.
    case settled
    /// More is to come: what is waited for, and when to look again.
    case waiting(String, recheck: Duration)
    /// There is no such resource (any more): forget the key until somebody asks again.
    case absent
}
