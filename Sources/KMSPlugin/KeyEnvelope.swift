import Crypto
import FleetModel
import Foundation

/// Seals the API server's data keys with the cluster's key, and opens them. Pure but for the random nonces.
///
/// What is sealed is, in bytes: 1 (this form), the length of the key's id, the id, and then AES-256-GCM's nonce (12), ciphertext and
/// tag (16). Everything before the nonce is bound as associated data: what is sealed with one key cannot be passed off as sealed with
/// another.
public struct KeyEnvelope: Sendable {
    private static let form: UInt8 = 1

    /// Of the key that seals: `UUID/VERSION`.
    public let currentKeyID: String
    private let current: SymmetricKey
    private let keys: [String: SymmetricKey]

    /// - Throws: `KMSPluginError` for a package without keys, or with one that is none.
    public init(_ package: KeyPackage) throws {
        var keys: [String: SymmetricKey] = [:]
        for key in package.keys {
            guard let bytes = Data(base64Encoded: key.keyBase64), bytes.count == 32 else {
                throw KMSPluginError("The key \(key.id) is not 32 bytes in base64.")
            }
            guard (1...255).contains(key.id.utf8.count) else { throw KMSPluginError("A key's id must have 1 to 255 bytes.") }
            guard keys.updateValue(SymmetricKey(data: bytes), forKey: key.id) == nil else {
                throw KMSPluginError("The key \(key.id) is given twice.")
            }
        }
        guard let first = package.keys.first, let current = keys[first.id] else { throw KMSPluginError("There is no key.") }
        self.currentKeyID = first.id
        self.current = current
        self.keys = keys
    }

    /// - Throws: `KMSPluginError`.
    public func seal(_ plain: Data) throws -> Data {
        let header = Data([Self.form, UInt8(currentKeyID.utf8.count)]) + Data(currentKeyID.utf8)
        do {
            guard let sealed = try AES.GCM.seal(plain, using: current, authenticating: header).combined else {
                throw KMSPluginError("The sealed box has an unusual nonce.")
            }
            return header + sealed
        } catch let error as KMSPluginError {
            throw error
        } catch {
            throw KMSPluginError("Sealing failed: \(error)")
        }
    }

    /// Which key opens it.
    /// - Throws: `KMSPluginError` when it is not of our form.
    public static func keyID(of sealed: Data) throws -> String {
        let bytes = [UInt8](sealed.prefix(257))
        guard bytes.count >= 2, bytes[0] == form, bytes.count >= 2 + Int(bytes[1]), bytes[1] > 0,
            let id = String(validating: bytes[2..<2 + Int(bytes[1])], as: UTF8.self)
        else { throw KMSPluginError("These bytes were not sealed by this plugin.") }
        return id
    }

    /// - Throws: `KMSPluginError` when the key is not here, or the bytes were changed.
    public func open(_ sealed: Data) throws -> Data {
        let id = try Self.keyID(of: sealed)
        guard let key = keys[id] else {
            throw KMSPluginError("It was sealed with the key \(id), which is not on this instance; here are \(keys.keys.sorted()).")
        }
        let header = Data(sealed.prefix(2 + id.utf8.count))
        do {
            let box = try AES.GCM.SealedBox(combined: Data(sealed.dropFirst(header.count)))
            return try AES.GCM.open(box, using: key, authenticating: header)
        } catch {
            throw KMSPluginError("What the key \(id) sealed does not open: its bytes were changed.")
        }
    }
}
