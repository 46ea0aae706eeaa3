import EtcdClient
import FleetModel
import Kubernetes
import Planning
import Substrate
import Timing

/// Looks at and changes who is a member of a cluster's etcd, through members that are healthy.
struct EtcdMemberships: Sendable {
    let access: EtcdAccess
    let time: TimeSource

    /// A learner that is this far behind is tried again; one that lags longer is tried at the next look.
    private static let patience = Duration.seconds(5)

    /// - Throws: `EtcdError`; `FleetError` (`kubernetes`) when nobody can be asked.
    func list(asking members: [String]) async throws -> [EtcdMembership] {
        try await EtcdClient.with(try access.configuration(of: Set(members), timeout: .seconds(2))) { client in
            try await client.memberList().compactMap { member in
                guard let address = Self.address(of: member) else { return nil }
                return EtcdMembership(address: address, isLearner: member.isLearner, hasStarted: !member.name.isEmpty)
            }
        }
    }

    func remove(_ id: InstanceID) async throws {
        guard let address = access.members.first(where: { $0.name == id.name })?.address else {
            throw FleetError(.kubernetes, "'\(id.name)' is no etcd member of '\(access.cluster.name)'")
        }
        try await EtcdClient.with(try access.configuration(of: others(than: id))) { client in
            guard let entry = try await client.memberList().first(where: { Self.address(of: $0) == address }) else { return }
            try await client.removeMember(entry.id)
        }
    }

    func add(_ id: InstanceID, _ address: IPv4Address) async throws {
        try await EtcdClient.with(try access.configuration(of: others(than: id))) { client in
            if try await client.memberList().contains(where: { Self.address(of: $0) == address }) { return }
            try await client.addMember(peerURLs: [ControlPlaneRenderer.etcdPeerURL(at: address)], asLearner: true)
        }
    }

    func promote(_ id: InstanceID, _ address: IPv4Address) async throws {
        let deadline = time.uptime + Self.patience
        try await EtcdClient.with(try access.configuration(of: others(than: id))) { client in
            while let entry = try await client.memberList().first(where: { Self.address(of: $0) == address }), entry.isLearner {
                do {
                    return try await client.promoteMember(entry.id)
                } catch let error as EtcdError where error.code == .refused {
                    // It has not caught up yet.
                    if time.uptime >= deadline { return }
                    try await time.sleep(for: .milliseconds(200))
                }
            }
        }
    }

    private func others(than id: InstanceID) -> Set<String> { Set(access.members.map(\.name)).subtracting([id.name]) }

    private static func address(of member: EtcdMember) -> IPv4Address? {
        guard let url = member.peerURLs.first, let host = url.split(separator: "/").last?.split(separator: ":").first else { return nil }
        return try? IPv4Address(String(host))
    }
}
