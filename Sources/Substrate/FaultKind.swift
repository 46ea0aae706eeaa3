/// What goes wrong. Coded as its text: `power`, `blackhole`, `loss=30%`, `slow`, `freeze`, `disk-slow`, `disk-full`.
public enum FaultKind: Hashable, Sendable {
    /// Everything dies at once and stays down; the link is gone.
    case power
    /// Packets vanish in both directions. Nothing is reset, nothing dies.
    case blackhole
    /// Packets are dropped at random, in each direction, above 0 and below 100 percent of them.
    case loss(percent: Double)
    /// Everything goes on, starved: hardly any bandwidth and hardly any CPU.
    case slow
    /// Every process stands still and its connections stay open: the kernel goes on acknowledging what arrives.
    case freeze
    /// Each write of etcd to its volume takes far too long.
    case diskSlow
    /// The volume of etcd takes no more data.
    case diskFull

    /// Every kind, as people write them.
    public static let forms = ["power", "blackhole", "loss=30%", "slow", "freeze", "disk-slow", "disk-full"]

    /// - Throws: `SubstrateError` (`invalid`) that says what is allowed.
    public init(_ text: String) throws(SubstrateError) {
        switch text {
        case "power": self = .power
        case "blackhole": self = .blackhole
        case "slow": self = .slow
        case "freeze": self = .freeze
        case "disk-slow": self = .diskSlow
        case "disk-full": self = .diskFull
        case let text where text == "loss" || text.hasPrefix("loss="):
            let number = text.dropFirst(5).hasSuffix("%") ? text.dropFirst(5).dropLast() : text.dropFirst(5)
            let isPlain = !number.isEmpty && number.utf8.allSatisfy { (48...57).contains($0) || $0 == 46 }
            guard isPlain, let percent = Double(number), percent > 0, percent < 100 else {
                throw SubstrateError(
                    .invalid,
                    "'\(text.prefix(60))' is not a loss: write loss=30% with a number above 0 and below 100 (all packets: blackhole).")
            }
            self = .loss(percent: percent)
        default:
            throw SubstrateError(
                .invalid, "'\(text.prefix(60))' is not a kind of fault; choose one of \(Self.forms.joined(separator: ", ")).")
        }
    }

    /// Whether it is a fault of etcd's volume alone.
    public var isOfVolume: Bool { self == .diskSlow || self == .diskFull }
}

extension FaultKind: CustomStringConvertible {
    public var description: String {
        switch self {
        case .power: "power"
        case .blackhole: "blackhole"
        case .loss(let percent): percent == percent.rounded() ? "loss=\(Int(percent))%" : "loss=\(percent)%"
        case .slow: "slow"
        case .freeze: "freeze"
        case .diskSlow: "disk-slow"
        case .diskFull: "disk-full"
        }
    }
}

extension FaultKind: Codable {
    public init(from decoder: any Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
