import Crypto
import Foundation

/// Bytes that only the holder of a key can read or change.
public struct SealedBytes: Codable, Hashable, Sendable {
    /// Which key opens it.
    public var keyID: String
    /// Nonce (12 bytes), ciphertext, tag (16 bytes).
    public var content: Data

    public init(keyID: String, content: Data) {
        self.keyID = keyID
        self.content = content
    }
}

/// Encryption at rest: AES-256-GCM with a fresh random nonce for each seal.
///
/// The associated data says where the bytes belong (the store's key, say): sealed bytes that are moved elsewhere do not open.
public struct SecretBox: Sendable {
    /// One 256-bit key with its name.
    public struct Key: Sendable {
        public var id: String
        let key: SymmetricKey

        /// - Throws: `PKIError` (`invalidKey`) when `bytes` are not 32.
        public init(id: String, bytes: Data) throws {
            guard bytes.count == 32 else {
                throw PKIError(.invalidKey, "The encryption key '\(id)' has \(bytes.count) bytes and needs 32.")
            }
            self.id = id
            self.key = SymmetricKey(data: bytes)
        }

        /// A new random key.
        public static func random() -> Key { Key() }

        private init() {
            self.id = UUID().uuidString.lowercased()
            self.key = SymmetricKey(size: .bits256)
        }

        var bytes: Data { key.withUnsafeBytes { Data($0) } }
    }

    private let current: Key
    private let keys: [String: Key]

    /// - Parameters:
    ///   - current: seals.
    ///   - older: open what they once sealed.
    public init(current: Key, older: [Key] = []) {
        self.current = current
        self.keys = Dictionary((older + [current]).map { ($0.id, $0) }, uniquingKeysWith: { $1 })
    }

    /// Name of the key that seals now.
    public var currentKeyID: String { current.id }

    /// - Throws: `PKIError` (`signing`) when the cipher fails, which it should not.
    public func seal(_ plain: Data, associatedData: String) throws -> SealedBytes {
        do {
            let box = try AES.GCM.seal(plain, using: current.key, authenticating: Data(associatedData.utf8))
            guard let combined = box.combined else { throw PKIError(.signing, "The sealed box has an unusual nonce.") }
            return SealedBytes(keyID: current.id, content: combined)
        } catch let error as PKIError {
            throw error
        } catch {
            throw PKIError(.signing, "The bytes for '\(associatedData)' could not be sealed.", cause: error)
        }
    }

    /// - Throws: `PKIError`: `unknownKey` when the key file lacks the key, `notAuthentic` when the bytes were changed or
    ///   were sealed for something else.
    public func open(_ sealed: SealedBytes, associatedData: String) throws -> Data {
        guard let key = keys[sealed.keyID] else {
            throw PKIError(
                .unknownKey,
                "'\(associatedData)' was sealed with the key \(sealed.keyID), which the key file does not have; restore the key file that belongs to this store."
            )
        }
        do {
            return try AES.GCM.open(
                try AES.GCM.SealedBox(combined: sealed.content), using: key.key, authenticating: Data(associatedData.utf8))
        } catch {
            throw PKIError(
                .notAuthentic, "'\(associatedData)' does not open: its sealed bytes were changed or belong elsewhere.", cause: error)
        }
    }
}
