import Foundation

/// What Slipway does by itself about a zone that fails.
public enum EvacuationPolicy: String, Codable, Hashable, Sendable, CaseIterable {
    /// Takes it out of service, and brings it back when it has been healthy for a while.
    case auto
    /// Says so, and leaves it to people. Single instances that are dead are fenced all the same.
    case manual
    /// Nothing at all.
    case off
}

/// What is decided for a whole region.
public struct RegionPolicy: Codable, Hashable, Sendable {
    public var evacuation: EvacuationPolicy
    /// A zone that `auto` evacuated is restored after it has been healthy for this long, in seconds.
    public var restoreAfter: Double
    /// `auto` at the beginning; else the ARN of a principal.
    public var changedBy: String
    public var changedAt: Date

    public static let defaultRestoreAfter = 60.0

    public init(
        evacuation: EvacuationPolicy = .auto, restoreAfter: Double = defaultRestoreAfter, changedBy: String = ZoneSpec.automatic,
        changedAt: Date
    ) {
        self.evacuation = evacuation
        self.restoreAfter = restoreAfter
        self.changedBy = changedBy
        self.changedAt = changedAt
    }
}
