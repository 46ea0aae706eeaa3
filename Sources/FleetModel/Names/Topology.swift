/// A region: three or more zones, one service, one EKS endpoint.
public struct Region: Codable, Hashable, Sendable {
    /// For example `local-1`.
    public var name: String
    /// In order: `local-1a`, `local-1b`, `local-1c`.
    public var zones: [ZoneName]
    /// The twelve-digit account that the region's ARNs carry.
    public var accountID: String

    public init(name: String, zones: [ZoneName], accountID: String) {
        self.name = name
        self.zones = zones
        self.accountID = accountID
    }

    /// A region whose zones are its name with `a`, `b`, `c`… appended.
    public static func standard(name: String = "local-1", zoneCount: Int = 3, accountID: String = "000000000000") -> Region {
        let letters = Array("abcdefghijklmnopqrstuvwxyz")
        return Region(
            name: name, zones: letters.prefix(max(1, zoneCount)).map { ZoneName(rawValue: "\(name)\($0)") }, accountID: accountID)
    }

    public func subnetID(of zone: ZoneName) -> String { "subnet-\(zone.rawValue)" }

    /// The zone of a subnet (`subnet-local-1a`), or nil when the region has none such.
    public func zone(ofSubnet id: String) -> ZoneName? { zones.first { subnetID(of: $0) == id } }
}

/// One fault domain for power, network and updates.
public struct ZoneName: RawRepresentable, Codable, Hashable, Sendable, Comparable, CustomStringConvertible {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// An isolated slice of a region's fleet. Every cluster is in exactly one.
public struct CellName: RawRepresentable, Codable, Hashable, Sendable, Comparable, CustomStringConvertible {
    public var rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }
    public static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}
