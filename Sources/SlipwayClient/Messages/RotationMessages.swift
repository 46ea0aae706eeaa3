import FleetModel

/// What of a cluster's certificates and keys is to be renewed.
public struct RotationRequest: Codable, Hashable, Sendable {
    /// Of `certificates`, `authorities`, `service-account-key`; empty: all of them.
    public var parts: [String]
    /// Ends a rotation that stands: what was issued before it is trusted no more.
    public var completes: Bool

    public init(parts: [String] = [], completes: Bool = false) {
        self.parts = parts
        self.completes = completes
    }
}

/// How far a rotation is.
public struct RotationDetail: Codable, Hashable, Sendable {
    /// Of `authorities`, `service-account-key`.
    public var parts: [String]
    /// `requested`, `trusted`, `issued`, `served`, `retiring`, `settled`.
    public var phase: String
    /// For people.
    public var summary: String

    public init(_ intent: RotationIntent) {
        parts = intent.parts.map(\.rawValue)
        phase = intent.phase.rawValue
        summary = intent.phase.summary
    }
}
