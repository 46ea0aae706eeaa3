import Foundation

/// The files of a region on this machine, all in one directory.
public struct RegionFiles: Sendable {
    /// Absolute.
    public let directory: String

    public init(directory: String) { self.directory = directory }

    public var configurationPath: String { "\(directory)/region.json" }
    public var credentialsPath: String { "\(directory)/admin.json" }
    /// Held while `dev up` or `dev down` works.
    public var workLockPath: String { "\(directory)/work.lock" }
    /// Held by the running service.
    public var serverLockPath: String { "\(directory)/server.lock" }
    /// Of one replica of `slipway server` with an external store.
    public func replicaLockPath(port: Int) -> String { "\(directory)/server-\(port).lock" }
    /// The name of the one service of a region, or of a replica that listens on `port`, beside others that share the directory.
    public func replicaPath(port: Int?) -> String { "\(directory)/replica\(port.map { "-\($0)" } ?? "")" }
    public var storeDirectory: String { "\(directory)/store" }
    public var supervisionDirectory: String { "\(directory)/supervision" }
    /// Where backups are kept unless the region's policy says otherwise.
    public var backupDirectory: String { "\(directory)/backups" }
    /// Snapshots on their way to or from a backup.
    var snapshotDirectory: String { "\(directory)/snapshots" }
    public var logDirectory: String { "\(directory)/log" }

    public var exists: Bool { FileManager.default.fileExists(atPath: configurationPath) }

    /// - Throws: `ServerError`: `missing` without a region here, `configuration` when the file is wrong.
    public func configuration() throws -> RegionConfiguration {
        try refuseUnreadable(configurationPath)
        do {
            return try RegionConfiguration.load(path: configurationPath)
        } catch let error {
            throw ServerError(
                error.code,
                """
                \(error.message)\(error.message.hasSuffix(".") ? "" : ".")
                       Correct the file. Or move it away and run `slipway dev up` with the options that the region was made with
                       (--region, --port, --store-port, --address-pool): its clusters and their data stay.
                """, cause: error.cause)
        }
    }

    /// The key of the region's first administrator.
    public struct AdminCredentials: Codable, Sendable {
        public var user: String
        public var accessKeyID: String
        public var secretAccessKey: String

        public init(user: String, accessKeyID: String, secretAccessKey: String) {
            self.user = user
            self.accessKeyID = accessKeyID
            self.secretAccessKey = secretAccessKey
        }
    }

    /// - Throws: `ServerError`: `missing`, `configuration`.
    public func adminCredentials() throws -> AdminCredentials {
        try refuseUnreadable(credentialsPath)
        do {
            return try JSONDecoder().decode(AdminCredentials.self, from: Data(contentsOf: URL(filePath: credentialsPath)))
        } catch {
            throw ServerError(.configuration, "The administrator's key in \(credentialsPath) cannot be read.", cause: error)
        }
    }

    func write(_ configuration: RegionConfiguration) throws { try write(configuration, to: configurationPath) }
    func write(_ credentials: AdminCredentials) throws { try write(credentials, to: credentialsPath) }

    private func write(_ value: some Encodable, to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try PlainFile.write(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n", to: path)
    }

    private func refuseUnreadable(_ path: String) throws {
        guard access(path, R_OK) != 0 else { return }
        if errno == EACCES {
            throw ServerError(
                .configuration,
                "\(path) may be read by root only. Run this as root, or set SLIPWAY_ENDPOINT, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.")
        }
        throw ServerError(
            .missing,
            "There is no region in \(directory). Start one with `slipway dev up --detach`, or name its directory with --data-dir.")
    }
}
