import Foundation
import Timing

/// Whether a cluster's controller manager and scheduler are at work: an API without them takes objects and does nothing about
/// them.
///
/// Each of them holds a Lease of its name in `kube-system` while it leads (Kubernetes 1.17 and later).
struct ControllerLeases: Sendable {
    let api: KubernetesAPI
    let time: TimeSource

    private static let names = ["kube-controller-manager", "kube-scheduler"]
    /// They renew every two seconds: `--leader-elect-retry-period`. What was renewed longer ago is what a restored snapshot remembers.
    private static let fresh: TimeInterval = 8
    private static let pause = Duration.milliseconds(200)

    private struct Lease: Decodable {
        struct Spec: Decodable {
            var holderIdentity: String?
            /// RFC 3339, UTC, with microseconds.
            var renewTime: String?
        }
        var spec: Spec
    }

    /// - Parameter patience: how long it waits for both to be led.
    /// - Returns: whether they are.
    /// - Throws: `FleetError` (`kubernetes`).
    func areHeld(patience: Duration) async throws -> Bool {
        let end = time.now.addingTimeInterval(patience.seconds)
        for name in Self.names {
            while try await !isHeld(name) {
                guard time.now < end else { return false }
                try await time.sleep(for: Self.pause)
            }
        }
        return true
    }

    private func isHeld(_ name: String) async throws -> Bool {
        let path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/\(name)"
        guard let lease = try await api.object(Lease.self, at: path), lease.spec.holderIdentity?.isEmpty == false,
            let renewed = lease.spec.renewTime
        else { return false }
        // Of one form and one time zone, texts compare as times do.
        let oldest = time.now.addingTimeInterval(-Self.fresh).formatted(.iso8601)
        return renewed.prefix(19) >= oldest.prefix(19)
    }
}
