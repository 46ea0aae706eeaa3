import FleetModel
import FleetStore
import Foundation
import SignatureV4
import Timing

extension IdentityStore {
    /// Sees to it that the region has an administrator who can log in. Safe to call at each start.
    ///
    /// - Parameter credential: the access key to use; without one, a key is made when the administrator has none.
    /// - Returns: the credential when this call made or took it over, else nil.
    public func bootstrapAdministrator(name: String = "admin", credential: Credential? = nil) async throws -> Credential? {
        if try await principal(name) == nil {
            do {
                _ = try await createPrincipal(name: name, role: .admin)
            } catch let error as IdentityError where error.code == .exists {
                // Another server of the region was faster.
            }
        }
        if let credential {
            if let known = try await find(accessKeyID: credential.accessKeyID), known.principal.name == name,
                known.credential == credential
            {
                return nil
            }
            return try await createAccessKey(of: name, given: credential)
        }
        return try await accessKeys(of: name).isEmpty ? try await createAccessKey(of: name) : nil
    }

    /// Access keys with their secrets; without those that do not open.
    /// - Throws: `StoreError`; `IdentityError` (`sealed`) when none opens: then this is not the key that the region was begun with.
    private func readableKeys() async throws -> [(AccessKey, Credential)] {
        let keys = try await store.list(AccessKey.self, prefix: StoreKeys.accessKeys).items.map(\.value)
        let opened = keys.compactMap { key in readable(key).map { (key, $0) } }
        if let first = keys.first, opened.isEmpty { _ = try open(first) }
        return opened
    }

    /// - Throws: `StoreError`; `IdentityError` (`sealed`) when no secret opens that the region's store holds.
    public func requireReadableKeys() async throws { _ = try await readableKeys() }

    /// The signing keys for authenticators: for every access key, from yesterday (clocks differ) to `days` days ahead.
    /// - Throws: as `requireReadableKeys`: an empty package would lock everybody out of clusters that run.
    public func signingKeys(days: Int = 7) async throws -> SigningKeyPackage {
        let principals = Dictionary(try await principals().map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        let accessKeys = try await readableKeys()
        let now = time.now
        let dates = (-1...days).map { SignatureTimestamp(now.addingTimeInterval(Double($0) * 86_400)).day }
        var keys: [SigningKeyPackage.Key] = []
        for (accessKey, credential) in accessKeys {
            guard let principal = principals[accessKey.principal], principal.userID == accessKey.userID else { continue }
            for date in dates {
                let key = credential.signingKey(date: date, region: region.name, service: "sts")
                keys.append(
                    SigningKeyPackage.Key(
                        accessKeyID: accessKey.id, date: date, region: region.name, arn: principal.arn, userID: principal.userID,
                        keyBase64: Data(key.bytes).base64EncodedString()))
            }
        }
        return SigningKeyPackage(keys: keys)
    }
}
