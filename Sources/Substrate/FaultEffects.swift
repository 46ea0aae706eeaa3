import FleetModel

/// What all faults together do to one instance.
public struct FaultEffects: Hashable, Sendable {
    public var hasNoPower = false
    /// Packets to and from it vanish.
    public var isCutOff = false
    /// Of packets in each direction, 0 to 100.
    public var lossPercent = 0.0
    public var isStarved = false
    public var isFrozen = false
    public var hasSlowDisk = false
    public var hasFullDisk = false

    public static let none = FaultEffects()

    private init() {}

    /// - Parameter hasVolume: faults of volumes do nothing to an instance without one.
    public init(of faults: [Fault], on id: InstanceID, in zone: ZoneName, hasVolume: Bool) {
        for fault in faults where fault.covers(id, in: zone) {
            switch fault.kind {
            case .power: hasNoPower = true
            case .blackhole: isCutOff = true
            // Two that drop independently of each other.
            case .loss(let percent): lossPercent = 100 - (100 - lossPercent) * (100 - percent) / 100
            case .slow: isStarved = true
            case .freeze: isFrozen = true
            case .diskSlow: hasSlowDisk = hasVolume
            case .diskFull: hasFullDisk = hasVolume
            }
        }
    }
}
