import FleetModel
import FleetStore
import Foundation
import Logging
import SignatureV4
import Timing

/// Principals and their access keys.
///
/// Lookups are answered from memory while `run()` watches the store, and from the store itself otherwise.
public final class IdentityStore: Sendable {
    public let region: Region
    let store: any FleetStore
    let sealing: any SecretSealing
    let time: TimeSource
    let logger: Logger
    let cache = CredentialCache()

    /// IAM's limit, so that one key can be made before the old one is taken away.
    public static let keysPerPrincipal = 2

    public init(store: any FleetStore, sealing: any SecretSealing, region: Region, time: TimeSource, logger: Logger) {
        self.store = store
        self.sealing = sealing
        self.region = region
        self.time = time
        self.logger = logger
    }

    // MARK: Principals

    /// - Throws: `IdentityError` (`invalidName`, `exists`), `StoreError`.
    public func createPrincipal(name: String, role: Role) async throws -> Principal {
        guard Principal.isValid(name: name) else {
            throw IdentityError(.invalidName, "The user name '\(name.prefix(80))' is not allowed: use 1 to 64 letters, digits and +=,.@_-")
        }
        let principal = Principal(
            name: name, arn: Principal.arn(name: name, accountID: region.accountID), userID: RandomText.userID(), role: role,
            createdAt: time.now)
        do {
            try await store.create(principal)
        } catch let error as StoreError where error.code == .conflict {
            throw IdentityError(.exists, "The user '\(name)' exists already.")
        }
        cache.put(principal)
        return principal
    }

    /// In the order of names.
    public func principals() async throws -> [Principal] {
        try await store.list(Principal.self, prefix: StoreKeys.principals).items.map { $0.value }
    }

    public func principal(_ name: String) async throws -> Principal? {
        guard Principal.isValid(name: name) else { return nil }
        return try await store.get(Principal.self, StoreKeys.principal(name))?.value
    }

    /// Takes the principal and all its keys away, in one transaction.
    /// - Throws: `IdentityError` (`notFound`), `StoreError`.
    public func deletePrincipal(_ name: String) async throws {
        guard Principal.isValid(name: name), let stored = try await store.get(Principal.self, StoreKeys.principal(name)) else {
            throw IdentityError(.notFound, "There is no user '\(name)'.")
        }
        let keys = try await accessKeys(of: name)
        try await store.remove(stored, and: keys.map { .delete($0.storeKey) })
        cache.remove(principal: name)
        for key in keys { cache.remove(key: key.id) }
    }

    // MARK: Access keys

    /// Makes a key, or takes over one that is given.
    /// - Returns: the credential; the secret is not told again.
    /// - Throws: `IdentityError` (`notFound`, `limit`, `exists`), `StoreError`, whatever the sealing throws.
    public func createAccessKey(of name: String, given: Credential? = nil) async throws -> Credential {
        guard Principal.isValid(name: name), let principal = try await store.get(Principal.self, StoreKeys.principal(name)) else {
            throw IdentityError(.notFound, "There is no user '\(name)'.")
        }
        let existing = try await accessKeys(of: name)
        guard existing.count < Self.keysPerPrincipal else {
            throw IdentityError(
                .limit, "The user '\(name)' has \(existing.count) access keys, which is the most a user may have; delete one first.")
        }
        let credential = given ?? Credential(accessKeyID: RandomText.accessKeyID(), secretAccessKey: RandomText.secret())
        var key = AccessKey(
            id: credential.accessKeyID, principal: name, userID: principal.value.userID, sealedSecret: Data(), createdAt: time.now)
        key.sealedSecret = Data(try sealing.seal(Array(credential.secretAccessKey.utf8), context: key.sealingContext))
        do {
            // The principal must still be there, else the key would belong to whoever takes the name next.
            try await store.create(key, if: [.unchanged(principal.value.storeKey, modRevision: principal.modRevision)])
        } catch let error as StoreError where error.code == .conflict {
            throw IdentityError(.exists, "The access key '\(key.id)' exists already, or the user '\(name)' has just been changed.")
        }
        cache.put(principal.value)
        cache.put(credential, of: key)
        return credential
    }

    /// Without their secrets.
    public func accessKeys(of name: String) async throws -> [AccessKey] {
        try await store.list(AccessKey.self, prefix: StoreKeys.accessKeys).items.map { $0.value }.filter { $0.principal == name }
    }

    /// - Throws: `IdentityError` (`notFound`), `StoreError`.
    public func deleteAccessKey(_ id: String, of name: String) async throws {
        guard Self.isPlain(id), let stored = try await store.get(AccessKey.self, StoreKeys.accessKey(id)), stored.value.principal == name
        else { throw IdentityError(.notFound, "The user '\(name)' has no access key '\(id)'.") }
        try await store.remove(stored)
        cache.remove(key: id)
    }

    // MARK: Lookup

    /// Who has this access key; nil when nobody has.
    /// - Throws: `StoreError`, `IdentityError` (`sealed`).
    public func find(accessKeyID: String) async throws -> KnownCredential? {
        guard Self.isPlain(accessKeyID) else { return nil }
        if case .known(let known) = cache.find(accessKeyID) { return known }
        // Also when the cache is fresh: another server may have made the key a moment ago.
        guard let key = try await store.get(AccessKey.self, StoreKeys.accessKey(accessKeyID))?.value,
            let principal = try await store.get(Principal.self, StoreKeys.principal(key.principal))?.value,
            principal.userID == key.userID
        else { return nil }
        return KnownCredential(principal: principal, credential: try open(key))
    }

    /// Keeps what comes from clients out of other keys of the store.
    private static func isPlain(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count)
            && id.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) }
    }

    func open(_ key: AccessKey) throws -> Credential {
        do {
            let secret = try sealing.open([UInt8](key.sealedSecret), context: key.sealingContext)
            return Credential(accessKeyID: key.id, secretAccessKey: String(decoding: secret, as: UTF8.self))
        } catch {
            throw IdentityError(.sealed, "The secret of the access key '\(key.id)' does not open with this region's key.", cause: error)
        }
    }
}
