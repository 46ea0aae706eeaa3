import Crypto
import FleetModel
import Foundation
import PKI

/// What a backup says of itself, beside its data: enough to restore it where the region's store is lost, given the region's
/// key file. The whole is sealed with the region's key, and with it the backup's data key.
public struct BackupManifest: Codable, Hashable, Sendable {
    public static let formatVersion = 1

    public var formatVersion = Self.formatVersion
    public var id: BackupID
    public var clusterUID: String
    public var cell: CellName
    public var ownerARN: String
    public var requestedBy: String
    /// The cluster's, at that time: a new cluster from this backup is made like it.
    public var spec: ClusterSpec
    public var facts: BackupFacts
    /// 32 bytes.
    var dataKey: Data

    /// The objects of a backup in its store.
    public static func manifestName(_ id: BackupID) -> String { "\(id.cluster)/\(id).manifest" }
    public static func dataName(_ id: BackupID) -> String { "\(id.cluster)/\(id).data" }

    /// The manifest's object: the ID is readable, the rest is not.
    struct Envelope: Codable {
        var format: Int
        var id: String
        var sealed: SealedBytes
    }

    private static func context(_ id: String) -> String { "backup-manifest/1/\(id)" }

    func sealed(with box: SecretBox) throws -> [UInt8] {
        let sealed = try box.seal(try Self.encoder().encode(self), associatedData: Self.context(id.rawValue))
        return [UInt8](try Self.encoder().encode(Envelope(format: Self.formatVersion, id: id.rawValue, sealed: sealed)))
    }

    /// - Throws: `BackupError`: `damaged` when it is not what was written for this ID or its key is not here, `invalid` for a format of
    ///   another version.
    init(opening bytes: [UInt8], of id: BackupID, with box: SecretBox) throws {
        func damaged(_ what: String, _ cause: (any Error)? = nil) -> BackupError {
            BackupError(.damaged, "Backup \(id) is damaged: its manifest \(what).", cause: cause)
        }
        guard let envelope = try? JSONDecoder().decode(Envelope.self, from: Data(bytes)) else { throw damaged("cannot be read") }
        guard envelope.id == id.rawValue else { throw damaged("is that of \(envelope.id.prefix(160))") }
        guard envelope.format == Self.formatVersion else {
            throw BackupError(.invalid, "Backup \(id) has format \(envelope.format), which this version of Slipway does not know.")
        }
        let plain: Data
        do {
            plain = try box.open(envelope.sealed, associatedData: Self.context(id.rawValue))
        } catch let error as PKIError where error.code == .unknownKey {
            throw damaged(
                "is sealed with the key \(envelope.sealed.keyID.prefix(80)), which the region's key file does not have: it was changed, or its key is missing; a line with that key in the file (secretKeyFile of the configuration) opens it"
            )
        } catch {
            throw damaged("was changed", error)
        }
        do {
            self = try Self.decoder().decode(BackupManifest.self, from: plain)
        } catch {
            throw damaged("cannot be decoded", error)
        }
    }

    init(id: BackupID, backup: Backup, spec: ClusterSpec, facts: BackupFacts, dataKey: SymmetricKey) {
        self.id = id
        clusterUID = backup.clusterUID
        cell = backup.cell
        ownerARN = backup.ownerARN
        requestedBy = backup.requestedBy
        self.spec = spec
        self.facts = facts
        self.dataKey = dataKey.withUnsafeBytes { Data($0) }
    }

    private static func encoder() -> JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .secondsSince1970
        return encoder
    }

    private static func decoder() -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .secondsSince1970
        return decoder
    }
}
