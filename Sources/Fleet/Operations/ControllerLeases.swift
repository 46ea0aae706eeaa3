import FleetModel
import Foundation
import Planning
import Timing

/// Who leads among a cluster's controller managers and schedulers, and so is at work: an API without them takes objects and does nothing
/// about them.
///
/// Each of them holds a Lease of its name in `kube-system` while it leads (Kubernetes 1.17 and later).
struct ControllerLeases: Sendable {
    let api: KubernetesAPI
    let time: TimeSource

    private static let names = ComponentKind.controllers.map(\.rawValue)
    /// They renew every two seconds: `--leader-elect-retry-period`. What was renewed longer ago is what a restored snapshot remembers.
    private static let fresh: TimeInterval = 8
    private static let pause = Duration.milliseconds(200)

    /// As it was seen.
    struct Lease: Decodable, Sendable {
        struct Metadata: Decodable, Sendable {
            var name: String
            var resourceVersion: String
        }
        struct Spec: Decodable, Sendable {
            /// `HOST_UUID`, another one for each process.
            var holderIdentity: String?
            /// RFC 3339, UTC, with microseconds.
            var acquireTime: String?
            var renewTime: String?
        }
        var metadata: Metadata
        var spec: Spec

        /// The machine's name as the process that holds it sees it; nil: nobody holds it.
        var host: String? {
            guard let holder = spec.holderIdentity, let end = holder.lastIndex(of: "_") else { return nil }
            return String(holder[..<end])
        }
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

    /// - Throws: `FleetError` (`kubernetes`).
    func leads() async throws -> [String: ControllerLead] {
        var leads: [String: ControllerLead] = [:]
        for name in Self.names {
            guard let lease = try await lease(name), isFresh(lease), let host = lease.host,
                let acquired = lease.spec.acquireTime.flatMap(Self.date)
            else { continue }
            leads[name] = ControllerLead(instance: host, seconds: time.now.timeIntervalSince(acquired))
        }
        return leads
    }

    /// The leases that a process of that instance holds.
    func held(by instance: String) async throws -> [Lease] {
        var held: [Lease] = []
        for name in Self.names {
            if let lease = try await lease(name), lease.host == instance { held.append(lease) }
        }
        return held
    }

    /// Gives back the lease of a process that is no more, as it would itself. Nothing if somebody has it who did not have it before.
    func giveBack(_ lease: Lease) async throws {
        guard let now = try await self.lease(lease.metadata.name), now.spec.holderIdentity == lease.spec.holderIdentity else { return }
        let body = """
            {"metadata":{"resourceVersion":"\(now.metadata.resourceVersion)"},"spec":{"holderIdentity":"","leaseDurationSeconds":1}}
            """
        try await api.merge(Self.path(now.metadata.name), body)
    }

    private func isHeld(_ name: String) async throws -> Bool {
        guard let lease = try await lease(name), lease.spec.holderIdentity?.isEmpty == false else { return false }
        return isFresh(lease)
    }

    private func lease(_ name: String) async throws -> Lease? { try await api.object(Lease.self, at: Self.path(name)) }

    private func isFresh(_ lease: Lease) -> Bool {
        guard let renewed = lease.spec.renewTime.flatMap(Self.date) else { return false }
        return time.now.timeIntervalSince(renewed) <= Self.fresh
    }

    private static func path(_ name: String) -> String { "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/\(name)" }

    /// To the second.
    private static func date(_ text: String) -> Date? { try? Date("\(text.prefix(19))Z", strategy: .iso8601) }
}
