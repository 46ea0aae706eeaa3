/// An IPv4 address.
public struct IPv4Address: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// In host byte order.
    public var bits: UInt32

    public init(bits: UInt32) { self.bits = bits }

    /// - Throws: `FleetModelError` (`invalidAddress`) when `text` is not four decimal numbers of 0 to 255 with dots.
    public init(_ text: String) throws {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let octets = parts.compactMap { Self.number($0).flatMap { UInt8(exactly: $0) } }
        guard parts.count == 4, octets.count == 4 else {
            throw FleetModelError(.invalidAddress, "'\(text)' is not an IPv4 address such as 100.66.0.2.")
        }
        self.bits = octets.reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Decimal, and written in one way only: elsewhere `010` is eight, or refused.
    static func number(_ text: Substring) -> Int? {
        guard text.utf8.count <= 3, text.utf8.allSatisfy({ (48...57).contains($0) }), text == "0" || text.first != "0" else { return nil }
        return Int(text)
    }

    public var description: String {
        "\(bits >> 24 & 255).\(bits >> 16 & 255).\(bits >> 8 & 255).\(bits & 255)"
    }

    public static func < (a: Self, b: Self) -> Bool { a.bits < b.bits }
}

/// A block of IPv4 addresses, such as `100.66.0.0/16`.
public struct IPv4Block: Hashable, Sendable, CustomStringConvertible {
    public var base: IPv4Address
    /// 0 to 32.
    public var prefixLength: Int

    public init(base: IPv4Address, prefixLength: Int) {
        self.prefixLength = prefixLength
        self.base = IPv4Address(bits: base.bits & Self.mask(prefixLength))
    }

    /// - Throws: `FleetModelError` (`invalidAddress`) when `text` is not `ADDRESS/LENGTH` or has bits set past the prefix.
    public init(_ text: String) throws {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let length = IPv4Address.number(parts[1]), (0...32).contains(length) else {
            throw FleetModelError(.invalidAddress, "'\(text)' is not an address block such as 100.66.0.0/16.")
        }
        let address = try IPv4Address(String(parts[0]))
        self.init(base: address, prefixLength: length)
        guard base == address else {
            throw FleetModelError(.invalidAddress, "'\(text)' has bits set past its prefix; write \(base)/\(length).")
        }
    }

    private static func mask(_ length: Int) -> UInt32 { length == 0 ? 0 : UInt32.max << UInt32(32 - length) }

    /// How many addresses the block has.
    public var count: Int { 1 << (32 - prefixLength) }

    public subscript(offset: Int) -> IPv4Address { IPv4Address(bits: base.bits &+ UInt32(truncatingIfNeeded: offset)) }

    public func contains(_ address: IPv4Address) -> Bool { address.bits & Self.mask(prefixLength) == base.bits }

    public func overlaps(_ other: IPv4Block) -> Bool { contains(other.base) || other.contains(base) }

    public var description: String { "\(base)/\(prefixLength)" }
}

extension IPv4Address: Codable {
    public init(from decoder: any Decoder) throws { try self.init(try decoder.singleValueContainer().decode(String.self)) }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension IPv4Block: Codable {
    public init(from decoder: any Decoder) throws { try self.init(try decoder.singleValueContainer().decode(String.self)) }
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
