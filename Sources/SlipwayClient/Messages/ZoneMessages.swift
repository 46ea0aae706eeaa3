import FleetModel
import Foundation

/// A zone: whether it is in service, how it was found, and how far its clusters are with what is wanted of it.
public struct ZoneDetail: Codable, Hashable, Sendable {
    public var name: String
    /// `inService` or `evacuated`.
    public var serviceState: String
    /// `auto`, or a principal's ARN.
    public var requestedBy: String
    public var reason: String
    /// Since when it is in service or evacuated.
    public var since: Date
    public var generation: Int64
    /// `healthy`, `impaired` or `unknown`.
    public var health: String
    /// `unreachable`, `frozen`, `lossy`, `slow`.
    public var failures: [String]
    public var healthSince: Date?
    public var evidence: [String]
    /// Only where one zone is described.
    public var clusters: ZoneClusters?

    public init(_ zone: Zone, clusters: ZoneClusters? = nil) {
        name = zone.name.rawValue
        serviceState = zone.spec.serviceState.rawValue
        requestedBy = zone.spec.requestedBy
        reason = zone.spec.reason
        since = zone.spec.since
        generation = zone.spec.generation
        let found = zone.status.health
        health =
            switch found {
            case .healthy: "healthy"
            case .impaired: "impaired"
            case .unknown: "unknown"
            }
        failures = found.failures.sorted().map(\.rawValue)
        healthSince = zone.status.since
        evidence = zone.status.evidence
        self.clusters = clusters
    }

    public var isEvacuated: Bool { serviceState == ZoneServiceState.evacuated.rawValue }
}

/// The clusters that have something in a zone.
public struct ZoneClusters: Codable, Hashable, Sendable {
    public struct Pending: Codable, Hashable, Sendable {
        public var name: String
        public var waits: [String]

        public init(name: String, waits: [String]) {
            self.name = name
            self.waits = waits
        }
    }

    public var count: Int
    public var doneCount: Int
    /// Those that are not done; the first `ZoneClusters.pendingLimit`.
    public var pending: [Pending]

    public static let pendingLimit = 20

    public init(count: Int, doneCount: Int, pending: [Pending]) {
        self.count = count
        self.doneCount = doneCount
        self.pending = pending
    }

    public var areDone: Bool { doneCount == count }
}

public struct ZoneList: Codable, Hashable, Sendable {
    public var policy: ZonePolicyDetail
    public var zones: [ZoneDetail]

    public init(policy: ZonePolicyDetail, zones: [ZoneDetail]) {
        self.policy = policy
        self.zones = zones
    }
}

/// To evacuate or restore a zone.
public struct ZoneRequest: Codable, Hashable, Sendable {
    public var reason: String?
    /// Insists where the region objects and may be overruled.
    public var force: Bool?

    public init(reason: String? = nil, force: Bool? = nil) {
        self.reason = reason
        self.force = force
    }
}

/// What the region does by itself about a zone that fails.
public struct ZonePolicyDetail: Codable, Hashable, Sendable {
    /// `auto`, `manual` or `off`.
    public var evacuation: String
    /// Seconds of health before `auto` restores what it evacuated.
    public var restoreAfterSeconds: Double
    public var changedBy: String
    public var changedAt: Date

    public init(_ policy: RegionPolicy) {
        evacuation = policy.evacuation.rawValue
        restoreAfterSeconds = policy.restoreAfter
        changedBy = policy.changedBy
        changedAt = policy.changedAt
    }
}

/// What is nil stays as it is.
public struct ZonePolicyRequest: Codable, Hashable, Sendable {
    public var evacuation: String?
    public var restoreAfterSeconds: Double?

    public init(evacuation: String? = nil, restoreAfterSeconds: Double? = nil) {
        self.evacuation = evacuation
        self.restoreAfterSeconds = restoreAfterSeconds
    }
}
