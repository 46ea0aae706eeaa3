import Foundation
import Identity
import Logging
import ServiceLifecycle
import SignatureV4
import Timing

/// Sees to it that a region has an administrator, whose key is in a file that only root can read.
struct FirstAdministrator: Service {
    static let userName = "admin"

    let identity: IdentityStore
    let files: RegionFiles
    let secretKeyFile: String
    let health: RegionHealth
    let time: TimeSource
    let logger: Logger

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await ensure()
                    health.identityIsReady()
                    break
                } catch is CancellationError {
                    return
                } catch let error as ServerError where error.code == .sealed {
                    throw error
                } catch {
                    health.identityFailed("\(error)")
                    logger.warning("the administrator cannot be looked up yet", metadata: ["error": "\(error)"])
                    guard (try? await time.sleep(for: .milliseconds(500))) != nil else { return }
                }
            }
        }
        // A service that returns ends the group.
        try? await gracefulShutdown()
    }

    /// The file's key is made the administrator's; without a file a key is made, and the file.
    private func ensure() async throws {
        do { try await identity.requireReadableKeys() } catch let error as IdentityError where error.code == .sealed {
            throw ServerError(
                .sealed,
                "The region's store holds secrets that \(secretKeyFile) does not open. Put the file back with which the region was begun; clusters run on without the service.",
                cause: error)
        }
        let known = FileManager.default.fileExists(atPath: files.credentialsPath) ? try files.adminCredentials() : nil
        let made = try await identity.bootstrapAdministrator(
            name: Self.userName,
            credential: known.map { Credential(accessKeyID: $0.accessKeyID, secretAccessKey: $0.secretAccessKey) })
        guard known == nil else { return }
        // Another replica may have made the key; then its file is on that replica's machine.
        guard let made else {
            return logger.notice("the region has an administrator, and his key is not in \(files.credentialsPath)")
        }
        try files.write(
            RegionFiles.AdminCredentials(
                user: Self.userName, accessKeyID: made.accessKeyID, secretAccessKey: made.secretAccessKey))
        logger.notice("made the administrator; his key is in \(files.credentialsPath)")
    }
}
