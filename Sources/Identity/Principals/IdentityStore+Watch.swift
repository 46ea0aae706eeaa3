import FleetModel
import FleetStore
import Foundation
import Logging
import SignatureV4
import Timing

extension IdentityStore {
    /// Follows the store until the task is cancelled, so that lookups need not ask it. Run it as a service.
    public func run() async {
        while !Task.isCancelled {
            do {
                try await follow()
            } catch is CancellationError {
                break
            } catch {
                logger.warning("Principals are read from the store on each call until it can be watched again: \(error)")
            }
            cache.distrust()
            do { try await time.sleep(for: .seconds(1)) } catch { break }
        }
        cache.distrust()
    }

    private func follow() async throws {
        let principals = try await store.list(Principal.self, prefix: StoreKeys.principals)
        let keys = try await store.list(AccessKey.self, prefix: StoreKeys.accessKeys)
        cache.reset(
            principals: principals.items.map { $0.value },
            keys: keys.items.compactMap { stored in readable(stored.value).map { (stored.value, $0) } })
        let (principalRevision, keyRevision) = (principals.revision, keys.revision)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.followPrincipals(from: principalRevision + 1) }
            group.addTask { try await self.followKeys(from: keyRevision + 1) }
            // When one watch ends, the cache is no longer fed as a whole.
            _ = try await group.next()
            group.cancelAll()
        }
    }

    private func followPrincipals(from revision: Int64) async throws {
        for try await event in store.watch(prefix: StoreKeys.principals, from: revision) {
            switch event {
            case .put(let stored): cache.put(try StoreCoding.decode(Principal.self, from: stored.value))
            case .delete(let key, _): cache.remove(principal: String(key.rawValue.dropFirst(StoreKeys.principals.rawValue.count)))
            case .compacted: return
            }
        }
    }

    private func followKeys(from revision: Int64) async throws {
        for try await event in store.watch(prefix: StoreKeys.accessKeys, from: revision) {
            switch event {
            case .put(let stored):
                let key = try StoreCoding.decode(AccessKey.self, from: stored.value)
                if let credential = readable(key) { cache.put(credential, of: key) }
            case .delete(let key, _): cache.remove(key: String(key.rawValue.dropFirst(StoreKeys.accessKeys.rawValue.count)))
            case .compacted: return
            }
        }
    }

    /// One key that does not open must not lock out all others.
    func readable(_ key: AccessKey) -> Credential? {
        do {
            return try open(key)
        } catch {
            logger.error("\(error)")
            return nil
        }
    }
}
