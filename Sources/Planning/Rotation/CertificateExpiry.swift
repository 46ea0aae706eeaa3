import FleetModel
import Foundation

/// Says weeks before when certificates of a cluster's instances end, and when Slipway renews them by itself. Pure.
public struct CertificateExpiry: Sendable {
    /// From then on it is said. Seconds before the end.
    public static let warning: TimeInterval = 60 * 86_400
    /// From then on they are renewed without being asked. Seconds before the end.
    public static let renewal: TimeInterval = 30 * 86_400

    /// When the first certificate ends, and whose it is; nil where none is known.
    public let first: (at: Date, instance: String)?

    public init(_ instances: [InstanceSummary]) {
        let known = instances.compactMap { instance in instance.certificatesExpireAt.map { (at: $0, instance: instance.name) } }
        first = known.min { ($0.at, $0.instance) < ($1.at, $1.instance) }
    }

    /// What is to be said; nil while nothing is known.
    public func warning(now: Date) -> (status: Condition.Status, reason: String, message: String)? {
        guard let first else { return nil }
        let day = Self.day(first.at)
        guard first.at.timeIntervalSince(now) < Self.warning else {
            return (.yes, "AsWanted", "all certificates are valid until \(day) at least")
        }
        let isOver = first.at <= now
        return (
            .no, isOver ? "CertificatesExpired" : "CertificatesExpiring",
            "certificates of \(first.instance) \(isOver ? "ended" : "end") on \(day); `slipway cluster rotate` renews them"
        )
    }

    public func needsRenewal(now: Date) -> Bool { first.map { $0.at.timeIntervalSince(now) < Self.renewal } ?? false }

    /// `2027-05-31`.
    private static func day(_ date: Date) -> String { String(date.formatted(.iso8601).prefix(10)) }
}
