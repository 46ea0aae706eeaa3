import Foundation

/// How long certificates are valid, in seconds.
public struct CertificateLifetimes: Codable, Hashable, Sendable {
    public var authority: TimeInterval
    public var leaf: TimeInterval

    public init(authority: TimeInterval = 10 * 365 * 86_400, leaf: TimeInterval = 365 * 86_400) {
        self.authority = authority
        self.leaf = leaf
    }

    /// Ten years for an authority and one for what it signs, as kubeadm has it.
    public static let standard = CertificateLifetimes()

    /// How far back a certificate's validity begins, so that a machine whose clock is a little late takes it. Seconds.
    public static let backdating: TimeInterval = 300
}
