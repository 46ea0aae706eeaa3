import EtcdClient
import FleetModel
import Substrate

/// Hands a cluster's etcd leadership from one member to another.
struct EtcdLeadership: Sendable {
    let access: EtcdAccess
    /// While nobody leads, writes fail; nil where requests cannot be held.
    var requests: (any RequestHolding)?

    /// Returns when the new leader leads, or at once when somebody else than `from` leads already.
    /// - Throws: `EtcdError`; `FleetError` (`kubernetes`) when a member is unknown.
    func move(from: String, to: String) async throws {
        // Only the member itself is asked: leadership is handed over by who has it.
        try await EtcdClient.with(try access.configuration(of: [from])) { client in
            let members = try await client.memberList()
            guard let heir = members.first(where: { $0.name == to }) else {
                throw FleetError(.kubernetes, "etcd of '\(access.cluster.name)' has no member \(to)")
            }
            let status = try await client.status()
            guard status.leader == status.member else { return }
            let name = access.cluster.name
            await requests?.holdRequests(in: name)
            do {
                try await client.moveLeader(to: heir.id)
            } catch {
                await requests?.releaseRequests(in: name)
                throw error
            }
            await requests?.releaseRequests(in: name)
        }
    }
}
