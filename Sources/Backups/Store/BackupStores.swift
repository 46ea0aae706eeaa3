import AsyncHTTPClient
import FleetModel
import Foundation
import PKI
import SignatureV4
import Timing

/// Opens the store that a location names.
public struct BackupStores: Sendable {
    let box: SecretBox
    let http: HTTPClient
    let time: TimeSource

    /// - Parameter box: of the region's secret key; opens the secrets of S3 locations.
    public init(box: SecretBox, http: HTTPClient, time: TimeSource) {
        self.box = box
        self.http = http
        self.time = time
    }

    /// - Throws: `BackupError` (`invalid`) when the location's secret does not open.
    public func archive(at location: BackupLocation) throws -> BackupArchive {
        BackupArchive(store: try store(at: location), box: box)
    }

    public func store(at location: BackupLocation) throws -> any BackupStore {
        switch location {
        case .directory(let path): return DirectoryBackupStore(directory: path)
        case .s3(let place):
            let secret: Data
            do {
                secret = try box.open(
                    try JSONDecoder().decode(SealedBytes.self, from: place.sealedSecret), associatedData: place.secretContext)
            } catch {
                throw BackupError(
                    .invalid,
                    "The secret key of \(location.summary) does not open; set the backup location again (slipway backup policy set).",
                    cause: error)
            }
            return S3BackupStore(
                endpoint: place.url, region: place.region, bucket: place.bucket, prefix: place.prefix,
                credential: Credential(accessKeyID: place.accessKeyID, secretAccessKey: String(decoding: secret, as: UTF8.self)),
                http: http,
                time: time)
        }
    }
}
