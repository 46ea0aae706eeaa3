import Crypto
import FleetModel
import FleetStore
import Foundation
import PKI
import Timing

/// The region's own keys: in the store, each version sealed with the region's secret key, which is a file of mode 0600 in the data
/// directory (`SecretKeyFile`) and never in the store.
public struct LocalKeyRing: KeyService {
    private let store: any FleetStore
    private let box: SecretBox
    private let region: Region
    private let time: TimeSource

    public init(store: any FleetStore, box: SecretBox, region: Region, time: TimeSource) {
        self.store = store
        self.box = box
        self.region = region
        self.time = time
    }

    public func keys() async throws -> [KeyDescription] {
        try await store.list(StoredKey.self, prefix: StoreKeys.encryptionKeys).items.map { described($0.value) }
            .sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
    }

    public func create(description: String) async throws -> KeyDescription {
        guard description.utf8.count <= 8192 else {
            throw KeyServiceError(.invalid, "A key's description has at most 8192 bytes.")
        }
        let id = UUID().uuidString.lowercased()
        let key = StoredKey(id: id, description: description, createdAt: time.now, versions: [try makeVersion(1, of: id)])
        try await store.create(key)
        return described(key)
    }

    public func rotate(_ arn: String) async throws -> KeyDescription {
        let id = try known(arn)
        let rotated = try await store.update(StoredKey.self, StoreKeys.encryptionKey(id)) { key in
            var new = key
            new.versions.append(try makeVersion(key.newest + 1, of: id))
            return new
        }
        guard let rotated else { throw notFound(arn) }
        return described(rotated.value)
    }

    public func package(_ arn: String, versions: [Int], scope: String) async throws -> KeyPackage {
        let id = try known(arn)
        guard let key = try await store.get(StoredKey.self, StoreKeys.encryptionKey(id))?.value else { throw notFound(arn) }
        return KeyPackage(
            keys: try versions.map { number in
                guard let version = key.versions.first(where: { $0.number == number }) else {
                    throw KeyServiceError(.notFound, "The key \(key.id) has no version \(number); it has \(key.newest).")
                }
                let bytes = derive(try open(version, of: id), scope: scope, version: number)
                return KeyPackage.Key(id: KeyPackage.keyID(id, version: number), keyBase64: bytes.base64EncodedString())
            })
    }

    /// A cluster's key of a version: HKDF (RFC 5869) with SHA-256 of the version's own bytes.
    private func derive(_ bytes: Data, scope: String, version: Int) -> Data {
        HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: bytes), info: Data("slipway secrets \(scope) \(version)".utf8), outputByteCount: 32
        ).withUnsafeBytes { Data($0) }
    }

    private func makeVersion(_ number: Int, of id: String) throws -> StoredKey.Version {
        let bytes = SymmetricKey(size: .bits256).withUnsafeBytes { Data($0) }
        return StoredKey.Version(number: number, createdAt: time.now, sealed: try box.seal(bytes, associatedData: context(id, number)))
    }

    private func open(_ version: StoredKey.Version, of id: String) throws -> Data {
        do {
            return try box.open(version.sealed, associatedData: context(id, version.number))
        } catch {
            throw KeyServiceError(
                .sealed, "The key \(id) cannot be opened; is the region's secret key file the right one?", cause: error)
        }
    }

    private func context(_ id: String, _ version: Int) -> String { "encryption-keys/\(id)/\(version)" }

    /// The UUID of an ARN of this region, or of itself.
    private func known(_ arn: String) throws -> String {
        let id = arn.split(separator: "/").last.map(String.init) ?? ""
        guard UUID(uuidString: id) != nil, arn == id || arn == region.keyARN(id) else { throw notFound(arn) }
        return id
    }

    private func notFound(_ arn: String) -> KeyServiceError {
        KeyServiceError(.notFound, "There is no key '\(arn.prefix(200))' here; `slipway key list` says which there are.")
    }

    private func described(_ key: StoredKey) -> KeyDescription {
        KeyDescription(
            id: key.id, arn: region.keyARN(key.id), description: key.description, createdAt: key.createdAt, version: key.newest,
            rotatedAt: key.versions.last?.createdAt ?? key.createdAt)
    }
}

/// A key as the store has it: sealed.
struct StoredKey: StoredResource {
    struct Version: Codable, Sendable {
        /// From 1.
        var number: Int
        var createdAt: Date
        var sealed: SealedBytes
    }

    var id: String
    var description: String
    var createdAt: Date
    /// Oldest first; never empty.
    var versions: [Version]

    var storeKey: StoreKey { StoreKeys.encryptionKey(id) }
    var newest: Int { versions.last?.number ?? 0 }
}
