import FleetModel
import FleetStore
import Synchronization

/// Hands out blocks of the address pool: the lowest free one, never the same to two requests of this process at once.
///
/// The store's transaction decides in the end; this only spares the requests of one process from colliding there.
final class NetworkSlots: Sendable {
    private let reserved = Mutex<Set<Int>>([])
    let pool: IPv4Block

    init(pool: IPv4Block) { self.pool = pool }

    /// - Throws: `ClusterServiceError` (`limitExceeded`) when none is free.
    func reserve(taken: Set<Int>) throws -> Int {
        let capacity = ClusterNetwork.capacity(of: pool)
        let slot = reserved.withLock { reserved in
            let free = (0..<capacity).first { !taken.contains($0) && !reserved.contains($0) }
            if let free { reserved.insert(free) }
            return free
        }
        guard let slot else {
            throw ClusterServiceError(
                .limitExceeded, "The region's address pool \(pool) has room for \(capacity) clusters and all of it is taken.")
        }
        return slot
    }

    func release(_ slot: Int) { _ = reserved.withLock { $0.remove(slot) } }

    static func taken(in store: any FleetStore) async throws -> Set<Int> {
        let prefix = StoreKeys.networkSlots.rawValue.count
        return Set(try await store.list(prefix: StoreKeys.networkSlots).values.compactMap { Int($0.key.rawValue.dropFirst(prefix)) })
    }
}
