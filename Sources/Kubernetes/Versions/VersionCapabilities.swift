import FleetModel

/// Which command line flag exists in which Kubernetes minor versions.
///
/// Only flags that do not exist throughout 1.20 to 1.36 are in the table; the renderer names every flag that it wants, and
/// what a version does not know is left out.
public struct VersionCapabilities: Sendable {
    /// Minors of Kubernetes 1 that Slipway knows.
    public static let supportedMinors = 20...36

    public let minor: Int

    /// - Throws: `KubernetesError` (`unsupportedVersion`).
    public init(_ version: KubernetesVersion) throws {
        guard version.major == 1, Self.supportedMinors.contains(version.minor) else {
            throw KubernetesError(
                .unsupportedVersion,
                "Slipway runs Kubernetes 1.\(Self.supportedMinors.lowerBound) to 1.\(Self.supportedMinors.upperBound) and not \(version).")
        }
        self.minor = version.minor
    }

    /// - Parameter flag: with its two dashes.
    public func supports(_ flag: String, of component: ComponentKind) -> Bool {
        Self.table.first { $0.flag == flag && $0.component == component }?.minors.contains(minor) ?? true
    }

    struct Entry: Sendable {
        var component: ComponentKind
        var flag: String
        var minors: ClosedRange<Int>
    }

    /// From the programs' `--help` and the history of k8s.io/apiserver, `pkg/server/options`.
    static let table: [Entry] = [
        // Plain HTTP is on by default up to 1.22 in the controller manager and the scheduler, and no flag of 1.24.
        Entry(component: .apiServer, flag: "--insecure-port", minors: 20...23),
        Entry(component: .controllerManager, flag: "--port", minors: 20...23),
        Entry(component: .scheduler, flag: "--port", minors: 20...23),
        Entry(component: .apiServer, flag: "--shutdown-watch-termination-grace-period", minors: 27...36),
    ]
}
