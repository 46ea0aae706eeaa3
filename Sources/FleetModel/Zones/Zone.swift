import Foundation

/// A zone as the region keeps it: whether it is in service, and how it was found to be.
public struct Zone: Codable, Hashable, Sendable {
    public var name: ZoneName
    public var spec: ZoneSpec
    public var status: ZoneStatus

    public init(name: ZoneName, spec: ZoneSpec, status: ZoneStatus = ZoneStatus()) {
        self.name = name
        self.spec = spec
        self.status = status
    }

    /// As a region begins.
    public static func inService(_ name: ZoneName, since: Date) -> Zone {
        Zone(
            name: name,
            spec: ZoneSpec(
                serviceState: .inService, requestedBy: ZoneSpec.automatic, reason: "the region was made", since: since, generation: 1))
    }

    public var isEvacuated: Bool { spec.serviceState == .evacuated }
}

/// Whether a zone may serve.
public enum ZoneServiceState: String, Codable, Hashable, Sendable, CaseIterable {
    case inService, evacuated
}

/// What is wanted of a zone.
public struct ZoneSpec: Codable, Hashable, Sendable {
    /// Who asked, when it was Slipway itself.
    public static let automatic = "auto"

    public var serviceState: ZoneServiceState
    /// `auto`, or the ARN of a principal. Only what was evacuated by `auto` is restored by it.
    public var requestedBy: String
    /// For people.
    public var reason: String
    public var since: Date
    /// Counts changes, from 1.
    public var generation: Int64

    public init(serviceState: ZoneServiceState, requestedBy: String, reason: String, since: Date, generation: Int64) {
        self.serviceState = serviceState
        self.requestedBy = requestedBy
        self.reason = reason
        self.since = since
        self.generation = generation
    }

    public var isAutomatic: Bool { requestedBy == Self.automatic }

    /// The next one.
    public func changed(to state: ZoneServiceState, by principal: String, reason: String, at now: Date) -> ZoneSpec {
        ZoneSpec(serviceState: state, requestedBy: principal, reason: reason, since: now, generation: generation + 1)
    }
}

/// What ails a zone.
public enum ZoneFailure: String, Codable, Hashable, Sendable, CaseIterable, Comparable {
    /// Nothing that is sent arrives: no power, or a network that swallows packets.
    case unreachable
    /// What is sent arrives and nobody answers.
    case frozen
    /// A part of what is sent is lost.
    case lossy
    /// Answers come late: too little CPU or bandwidth.
    case slow

    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

    /// It is dead to everybody, where the others only harm.
    public var isTotal: Bool { self == .unreachable || self == .frozen }
}

public enum ZoneHealth: Codable, Hashable, Sendable {
    case healthy
    case impaired(Set<ZoneFailure>)
    /// Nothing in it can be asked, or too little to judge.
    case unknown

    public var failures: Set<ZoneFailure> { if case .impaired(let failures) = self { failures } else { [] } }
    public var isImpaired: Bool { !failures.isEmpty }

    /// `healthy`, `impaired (unreachable)`, `unknown`.
    public var text: String {
        switch self {
        case .healthy: "healthy"
        case .impaired(let failures): "impaired (\(failures.sorted().map(\.rawValue).joined(separator: ", ")))"
        case .unknown: "unknown"
        }
    }
}
